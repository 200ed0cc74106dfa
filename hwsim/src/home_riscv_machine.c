/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine of the firmware: a qemu-system-riscv64 that is started with the flash image, is handed the memory by the protocol of
 * ivshmem servers (QEMU's docs/specs/ivshmem-spec.txt) over a socket that is there from the start, and dies with this process. What its
 * UART and QEMU itself say goes into the log.
 */
#include "home_riscv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EMULATOR "qemu-system-riscv64"
/* Where make puts the image, as seen from the folder of the programs (build/VARIANT/bin). */
#define IMAGE_BESIDE "/../../riscv/weir-qemu-virt.nor"
/* The only descriptor that the machine is started with, besides the first three. */
#define HARDWARE_FD   3
#define ARGUMENTS_MAX 64

/* ---- the memory is handed over ---- */

/* A message of an ivshmem server: eight bytes, perhaps a descriptor. */
static int send_message(int socket_fd, int64_t value, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = &value, .iov_len = sizeof(value) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	return sendmsg(socket_fd, &message, MSG_NOSIGNAL) == sizeof(value) ? 0 : -errno;
}

/* All that a client is told: version, its number, the memory, and an eventfd for the one vector of each peer. */
static int hand_over(const struct sim_home *home)
{
	const struct {
		int64_t value;
		int fd;
	} messages[] = {
		{ 0, -1 },
		{ VIRT_PEER_FIRMWARE, -1 },
		{ -1, home->memory_fd },
		{ VIRT_PEER_HARDWARE, home->machine.rung_fd },
		{ VIRT_PEER_FIRMWARE, home->machine.wake_fd },
	};
	int error = 0;

	for (size_t i = 0; !error && i < SIM_ARRAY_SIZE(messages); i++)
		error = send_message(home->machine.hardware_fd, messages[i].value, messages[i].fd);
	return error;
}

/* ---- the process ---- */

/* The image's path: the caller's, the environment's, or the one that was built beside this program. */
static int find_image(struct weirsim *sim, char *path, size_t room)
{
	const char *named = sim->config.firmware_image ? sim->config.firmware_image
						       : getenv("WEIR_FIRMWARE");
	ssize_t length;
	char *slash;

	if (named) {
		snprintf(path, room, "%s", named);
	} else {
		length = readlink("/proc/self/exe", path, room - sizeof(IMAGE_BESIDE));
		if (length <= 0)
			return -errno;
		path[length] = '\0';
		slash = strrchr(path, '/');
		strcpy(slash ? slash : path, IMAGE_BESIDE);
	}
	if (!access(path, R_OK))
		return 0;
	sim_log(sim, WEIR_LOG_LEVEL_ERROR, "the firmware's image %s cannot be read: %s", path,
		strerror(errno));
	return -ENOENT;
}

/* The command line; `more` (WEIR_MACHINE_OPTIONS, for measuring) is cut into words. */
static void command_line(const char **arguments, const char *drive, char *more)
{
	static const char *const fixed[] = {
		EMULATOR,
		"-M",
		"virt,aia=aplic-imsic",
		"-bios",
		"none",
		"-m",
		"16M",
		"-nodefaults",
		"-no-user-config",
		"-display",
		"none",
		"-no-reboot",
		"-serial",
		"stdio",
		"-chardev",
		"socket,id=hardware,fd=3",
		"-device",
		"ivshmem-doorbell,chardev=hardware,vectors=1",
		"-drive",
	};
	char *rest = NULL;
	int count = 0;

	for (size_t i = 0; i < SIM_ARRAY_SIZE(fixed); i++)
		arguments[count++] = fixed[i];
	arguments[count++] = drive;
	for (char *word = more ? strtok_r(more, " ", &rest) : NULL;
	     word && count < ARGUMENTS_MAX - 1; word = strtok_r(NULL, " ", &rest))
		arguments[count++] = word;
	arguments[count] = NULL;
}

/* In the child: only what is safe after fork(). */
__attribute__((noreturn)) static void become_machine(const char *const *arguments, int hardware_fd,
						     int uart_fd, pid_t parent)
{
	static const char failed[] = "weir: " EMULATOR
				     " cannot be run: is qemu-system-misc installed?\n";
	int null_fd = open("/dev/null", O_RDONLY);
	sigset_t none;

	/* It ends with us, also if we were ended before this. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null_fd >= 0)
		dup2(null_fd, STDIN_FILENO);
	dup2(uart_fd, STDOUT_FILENO);
	dup2(uart_fd, STDERR_FILENO);
	if (hardware_fd == HARDWARE_FD)
		fcntl(hardware_fd, F_SETFD, 0);
	else
		dup2(hardware_fd, HARDWARE_FD);
	close_range(HARDWARE_FD + 1, ~0u, 0);
	execvp(EMULATOR, (char *const *)arguments);
	if (write(STDOUT_FILENO, failed, sizeof(failed) - 1) < 0)
		_exit(126);
	_exit(127);
}

static int start_process(struct machine *machine, const char *const *arguments)
{
	int sockets[2] = { -1, -1 }, pipes[2] = { -1, -1 }, error = 0;
	pid_t parent = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) ||
	    pipe2(pipes, O_CLOEXEC | O_NONBLOCK)) {
		error = -errno;
	} else {
		/* Its end of the pipe blocks: a line that is lost is lost when it matters. */
		fcntl(pipes[1], F_SETFL, 0);
		machine->process = fork();
		if (machine->process < 0)
			error = -errno;
		if (!machine->process)
			become_machine(arguments, sockets[1], pipes[1], parent);
	}
	if (error) {
		machine->process = 0;
		if (sockets[0] >= 0)
			close(sockets[0]);
		if (pipes[0] >= 0)
			close(pipes[0]);
	} else {
		machine->hardware_fd = sockets[0];
		machine->uart_fd = pipes[0];
	}
	if (sockets[1] >= 0)
		close(sockets[1]);
	if (pipes[1] >= 0)
		close(pipes[1]);
	return error;
}

int machine_start(struct weirsim *sim)
{
	struct machine *machine = &sim->home->machine;
	const char *arguments[ARGUMENTS_MAX], *more = getenv("WEIR_MACHINE_OPTIONS");
	char image[4096], drive[4200], words[512];
	int error = find_image(sim, image, sizeof(image));

	if (error)
		return error;
	snprintf(drive, sizeof(drive), "if=pflash,unit=0,format=raw,readonly=on,file=%s", image);
	snprintf(words, sizeof(words), "%s", more ? more : "");
	/* Without it minstret is a clock. */
	machine->counts = strstr(words, "-icount");
	command_line(arguments, drive, words);
	machine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	machine->rung_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (machine->wake_fd < 0 || machine->rung_fd < 0)
		return -errno;
	error = start_process(machine, arguments);
	if (!error)
		error = hand_over(sim->home);
	if (error)
		sim_log(sim, WEIR_LOG_LEVEL_ERROR, "the firmware's machine cannot be started: %s",
			strerror(-error));
	return error;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void machine_kill(struct machine *machine)
{
	if (machine->process) {
		kill(machine->process, SIGKILL);
		waitpid(machine->process, NULL, 0);
	}
	machine->process = 0;
	close_fd(&machine->hardware_fd);
	close_fd(&machine->wake_fd);
	close_fd(&machine->rung_fd);
	close_fd(&machine->uart_fd);
}

void machine_wake(struct machine *machine)
{
	uint64_t one = 1;

	/* Full is awake. */
	if (write(machine->wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* ---- what it says ---- */

static void log_line(struct weirsim *sim, struct machine *machine)
{
	static const char trap[] = "weir: trap:", watchdog[] = "weir: watchdog:";
	bool firmware = !strncmp(machine->line, "weir:", 5);

	if (!strncmp(machine->line, trap, sizeof(trap) - 1) ||
	    !strncmp(machine->line, watchdog, sizeof(watchdog) - 1))
		machine->dying = true;
	sim_log(sim,
		machine->dying ? WEIR_LOG_LEVEL_ERROR
		: firmware     ? WEIR_LOG_LEVEL_INFO
			       : WEIR_LOG_LEVEL_WARNING,
		"machine: %s", machine->line);
	machine->line_bytes = 0;
}

/* Logs the lines that are there. False: there will be no more. */
static bool read_uart(struct weirsim *sim)
{
	struct machine *machine = &sim->home->machine;
	char buffer[1024];
	ssize_t count;

	while ((count = read(machine->uart_fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t i = 0; i < count; i++) {
			bool full = machine->line_bytes == sizeof(machine->line) - 1;

			if (buffer[i] != '\n' && buffer[i] != '\r' && !full)
				machine->line[machine->line_bytes++] = buffer[i];
			if (machine->line_bytes && (buffer[i] == '\n' || full)) {
				machine->line[machine->line_bytes] = '\0';
				log_line(sim, machine);
			}
		}
	}
	return count < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Why the machine has ended, from the code that the firmware gave to it (enum virt_end). */
static void log_end(struct weirsim *sim)
{
	struct machine *machine = &sim->home->machine;
	static const char *const reasons[] = {
		[VIRT_END_NO_HARDWARE] = "it does not find its hardware",
		[VIRT_END_BAD_HARDWARE] = "its hardware is of another version",
		[VIRT_END_BAD_CONFIG] = "this card does not fit its memory",
		[VIRT_END_TRAP] = "a trap",
		[VIRT_END_WATCHDOG] = "its watchdog has bitten",
		[VIRT_END_BAD_DMA] = "it gave memory to the hardware that is not device memory",
	};
	const char *reason = NULL;
	char text[96];
	int status = 0;

	waitpid(machine->process, &status, 0);
	machine->process = 0;
	if (WIFEXITED(status) && (size_t)WEXITSTATUS(status) < SIM_ARRAY_SIZE(reasons))
		reason = reasons[WEXITSTATUS(status)];
	if (!reason) {
		snprintf(text, sizeof(text), "its machine is gone (%s %d)",
			 WIFEXITED(status) ? "exit code" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		reason = text;
	}
	riscv_end(sim, reason);
}

enum machine_news machine_wait(struct weirsim *sim, int ms)
{
	struct machine *machine = &sim->home->machine;
	struct pollfd fds[2] = {
		{ .fd = machine->rung_fd, .events = POLLIN },
		{ .fd = machine->uart_fd, .events = POLLIN },
	};
	uint64_t rings;

	if (poll(fds, 2, ms) <= 0)
		return MACHINE_SILENT;
	/* Before the caller looks at what it was rung for. */
	if (fds[0].revents && read(machine->rung_fd, &rings, sizeof(rings)) < 0 && errno != EAGAIN)
		return MACHINE_SILENT;
	if (!fds[1].revents || read_uart(sim))
		return MACHINE_RANG;
	log_end(sim);
	return MACHINE_ENDED;
}
