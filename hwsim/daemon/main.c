/* SPDX-License-Identifier: BSD-3-Clause */
/* weir-sim: a Weir card as a process. Start-up, signals and end; loop.c is what it does in between. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "daemon.h"
#include "directory.h"
#include "query.h"

/* A function takes four descriptors while nobody is there, and an eventfd a vector when somebody is. */
#define DESCRIPTORS_PER_FUNCTION 4u
#define DESCRIPTORS_BESIDE	 256u
/* How long the card may take to come up with all its VFs. */
#define START_MS 10000u

/* ---- log ---- */

static void take_line(struct daemon *daemon, enum weir_log_level level, const char *text)
{
	if (level == WEIR_LOG_LEVEL_ERROR)
		snprintf(daemon->last_error, sizeof(daemon->last_error), "%s", text);
	if (level > log_level(daemon->log))
		return;
	log_write(daemon->log, level, text);
	control_log(daemon->control, level, text);
}

void daemon_log(struct daemon *daemon, enum weir_log_level level, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	take_line(daemon, level, text);
}

void daemon_set_log_level(struct daemon *daemon, enum weir_log_level level)
{
	log_set_level(daemon->log, level);
	query_set_log_level(daemon->sim, level);
}

/* ---- what the card and its attachment call ---- */

static void card_interrupt(void *opaque, uint16_t function, uint16_t vector, uint64_t address,
			   uint32_t data)
{
	struct daemon *daemon = opaque;

	/* A message has nowhere to go here: clients give eventfds. */
	(void)address;
	(void)data;
	attachment_interrupt(daemon->attachment, function, vector);
}

static void card_log(void *opaque, enum weir_log_level level, const char *text)
{
	take_line(opaque, level, text);
}

static const struct weirsim_host_ops host_ops = { .interrupt = card_interrupt, .log = card_log };

static int watch_function(void *opaque, uint16_t function, int fd)
{
	struct daemon *daemon = opaque;

	return loop_watch(daemon->loop, fd, LOOP_FUNCTION, function, EPOLLIN);
}

static void unwatch_function(void *opaque, uint16_t function, int fd)
{
	struct daemon *daemon = opaque;

	(void)function;
	loop_unwatch(daemon->loop, fd);
}

static void release_function(void *opaque, uint16_t function)
{
	owner_release(opaque, function);
}

static void vfs_changed(void *opaque, bool on_purpose)
{
	owner_vfs_changed(opaque, on_purpose);
}

static const struct attachment_ops attachment_ops = {
	.watch = watch_function,
	.unwatch = unwatch_function,
	.release = release_function,
	.vfs_changed = vfs_changed,
	.log = card_log,
};

/* ---- wires ---- */

int daemon_open_wire(struct daemon *daemon, uint8_t port, const char *description)
{
	char *copy = strdup(description);
	int error;

	if (!copy)
		return -ENOMEM;
	daemon->last_error[0] = '\0';
	error = weirsim_wire_open(daemon->sim, port, description);
	if (error) {
		free(copy);
		return error;
	}
	free(daemon->wires[port]);
	daemon->wires[port] = copy;
	return 0;
}

void daemon_plug_wire(struct daemon *daemon, uint8_t port, bool plugged)
{
	daemon->unplugged[port] = !plugged;
	weirsim_wire_link(daemon->sim, port, plugged);
}

/* ---- signals ---- */

static void handled_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
}

void daemon_signal(struct daemon *daemon)
{
	struct signalfd_siginfo info;

	if (read(daemon->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		log_reopen(daemon->log);
		daemon_log(daemon, WEIR_LOG_LEVEL_INFO, "log opened anew");
		return;
	}
	daemon_log(daemon, WEIR_LOG_LEVEL_INFO, "%s: ending",
		   info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
	daemon->end = true;
}

/* ---- start ---- */

/* Tells the user on standard error why there will be no daemon. */
__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
	va_list arguments;

	fputs("weir-sim: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return 1;
}

/* As many descriptors as the system gives; they must do for every function at once. */
static int raise_descriptors(const struct daemon *daemon)
{
	rlim_t needed = DESCRIPTORS_BESIDE +
			(rlim_t)DESCRIPTORS_PER_FUNCTION * (1u + daemon->options.total_vfs);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return complain("getrlimit: %s", strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return complain("setrlimit: %s", strerror(errno));
	if (limit.rlim_max < needed)
		return complain(
			"%u VFs take %llu file descriptors, and this process may have %llu: choose a smaller "
			"--total-vfs, or raise ulimit -Hn",
			daemon->options.total_vfs, (unsigned long long)needed,
			(unsigned long long)limit.rlim_max);
	return 0;
}

static bool pf_is_ready(struct daemon *daemon)
{
	return weirsim_function_usable(daemon->sim, 0);
}

static bool vfs_are_ready(struct daemon *daemon)
{
	for (uint16_t number = 1; number <= daemon->options.vfs; number++) {
		if (!weirsim_function_usable(daemon->sim, number))
			return false;
	}
	return true;
}

static int make_card(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	const struct weirsim_config config = {
		.total_vfs = options->total_vfs,
		.ports = options->ports,
		.serial = options->serial,
		.seed = options->seed,
		.firmware_image = options->firmware,
		.host = &host_ops,
		.opaque = daemon,
	};
	const struct attachment_config attachment = {
		.directory = options->directory,
		.total_vfs = options->total_vfs,
		.ops = &attachment_ops,
		.opaque = daemon,
	};
	struct attachment_config made = attachment;

	daemon->sim = weirsim_create(&config);
	if (!daemon->sim)
		return complain("the card cannot be made: %s",
				*daemon->last_error ? daemon->last_error : strerror(errno));
	made.sim = daemon->sim;
	if (attachment_create(&made, &daemon->attachment))
		return complain("%s", daemon->last_error);
	query_set_log_level(daemon->sim, options->log_level);
	for (uint8_t port = 0; port < options->ports; port++) {
		int error = options->wires[port]
				    ? daemon_open_wire(daemon, port, options->wires[port])
				    : 0;

		if (error)
			return complain("--wire %u:%s: %s", port, options->wires[port],
					*daemon->last_error ? daemon->last_error : strerror(-error));
	}
	return 0;
}

static int start_card(struct daemon *daemon)
{
	int error;

	if (!loop_until(daemon->loop, pf_is_ready, START_MS))
		return complain("the card does not come up; see the log");
	error = daemon->options.vfs ? owner_set_vfs(daemon, daemon->options.vfs) : 0;
	if (error)
		return complain("%u VFs cannot be enabled: %s: %s", daemon->options.vfs,
				strerror(-error), daemon->last_error);
	if (!loop_until(daemon->loop, vfs_are_ready, START_MS))
		return complain("the VFs do not come up; see the log");
	return 0;
}

static int make_daemon(struct daemon *daemon)
{
	sigset_t signals;
	int error;

	/* Before there is any thread: all of them inherit it. */
	handled_signals(&signals);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	daemon->log = log_open(daemon->options.log_file, daemon->options.log_level);
	if (!daemon->log)
		return complain("%s: %s",
				daemon->options.log_file ? daemon->options.log_file : "log",
				strerror(errno));
	daemon->loop = loop_create(daemon);
	if (!daemon->loop)
		return complain("the loop cannot be made: %s", strerror(errno));
	daemon->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	error = daemon->signal_fd < 0
			? -errno
			: loop_watch(daemon->loop, daemon->signal_fd, LOOP_SIGNAL, 0, EPOLLIN);
	if (error)
		return complain("signals: %s", strerror(-error));
	error = vfu_sigbus_guard_install();
	if (error)
		return complain("SIGBUS: %s", strerror(-error));
	if (raise_descriptors(daemon) || make_card(daemon) || start_card(daemon))
		return 1;
	if (control_create(daemon, &daemon->control))
		return complain("%s", daemon->last_error);
	return 0;
}

/* Keeps the calling thread, the card's, on one CPU; the helpers stay free to run elsewhere. */
static void pin(struct daemon *daemon)
{
	cpu_set_t cpus;
	int error;

	if (daemon->options.cpu < 0)
		return;
	CPU_ZERO(&cpus);
	CPU_SET(daemon->options.cpu, &cpus);
	error = pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	if (error)
		daemon_log(daemon, WEIR_LOG_LEVEL_WARNING, "--cpu %d: %s", daemon->options.cpu,
			   strerror(error));
}

/* Everything in the order in which nothing is used that is gone. */
static void take_apart(struct daemon *daemon)
{
	control_destroy(daemon->control);
	daemon->control = NULL;
	/* The card first, since it uses clients' memory. */
	weirsim_destroy(daemon->sim);
	attachment_destroy(daemon->attachment);
	if (daemon->signal_fd >= 0)
		close(daemon->signal_fd);
	loop_destroy(daemon->loop);
	log_close(daemon->log);
	for (uint32_t port = 0; port < WEIR_SIM_PORTS_MAX; port++)
		free(daemon->wires[port]);
}

/* ---- background ---- */

/*
 * Goes on in a child process whose parent waits until it is ready or has failed. Returns the descriptor by which the child says that
 * it is ready; the parent does not return.
 */
static int go_into_background(void)
{
	char byte;
	int pipe_fds[2], status = 0;
	pid_t child;

	if (pipe2(pipe_fds, O_CLOEXEC))
		exit(complain("pipe: %s", strerror(errno)));
	child = fork();
	if (child < 0)
		exit(complain("fork: %s", strerror(errno)));
	if (child) {
		close(pipe_fds[1]);
		if (read(pipe_fds[0], &byte, 1) == 1) {
			puts("ready");
			exit(fflush(stdout) ? 1 : 0);
		}
		/* It has said itself what is wrong. */
		waitpid(child, &status, 0);
		exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1);
	}
	close(pipe_fds[0]);
	setsid();
	return pipe_fds[1];
}

/* From now on nobody waits for this process, or reads what it says. */
static void leave_terminal(int ready_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (write(ready_fd, "r", 1) != 1)
		return;
	close(ready_fd);
	if (null_fd < 0)
		return;
	dup2(null_fd, STDIN_FILENO);
	dup2(null_fd, STDOUT_FILENO);
	dup2(null_fd, STDERR_FILENO);
	close(null_fd);
}

static void say_ready(int ready_fd)
{
	if (ready_fd >= 0) {
		leave_terminal(ready_fd);
		return;
	}
	puts("ready");
	fflush(stdout);
}

/* The program for the other home lies beside this one. Returns only when it cannot be run. */
static int become_riscv(char **argv)
{
	char path[PATH_MAX + sizeof("-riscv")];
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);

	if (length <= 0)
		return complain("/proc/self/exe: %s", strerror(errno));
	strcpy(path + length, "-riscv");
	execv(path, argv);
	return complain("--home riscv: %s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
	struct daemon daemon = { .signal_fd = -1 };
	struct timespec now;
	char message[512];
	int lock_fd, ready_fd = -1, result, error;

	options_parse(&daemon.options, argc, argv);
	if (daemon.options.riscv && strcmp(weirsim_home(), "riscv") != 0)
		return become_riscv(argv);
	if (daemon.options.background)
		ready_fd = go_into_background();
	clock_gettime(CLOCK_MONOTONIC, &now);
	daemon.start_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	lock_fd = directory_claim(daemon.options.directory, message, sizeof(message));
	if (lock_fd < 0)
		return complain("%s", message);
	result = make_daemon(&daemon);
	error = result || !daemon.options.pid_file ? 0
						   : directory_write_pid(daemon.options.pid_file);
	if (error)
		result = complain("%s: %s", daemon.options.pid_file, strerror(-error));
	if (!result) {
		daemon_log(&daemon, WEIR_LOG_LEVEL_INFO, "ready: %u of %u VFs, process %d",
			   daemon.options.vfs, daemon.options.total_vfs, (int)getpid());
		say_ready(ready_fd);
		pin(&daemon);
		loop_run(daemon.loop);
		result = weirsim_firmware_ended(daemon.sim);
		if (daemon.options.pid_file)
			unlink(daemon.options.pid_file);
	}
	take_apart(&daemon);
	close(lock_fd);
	return result;
}
