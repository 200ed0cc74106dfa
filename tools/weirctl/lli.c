/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * weirctl lli: follows the flows of a process's sockets, and has them interrupt at once. Each is a rule of `ethtool -N` with user-def 2
 * (docs/linux.md, "Low latency"); those whose socket is closed are deleted, and all of them in the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "flows.h"
#include "weirctl.h"

#define USER_DEF_LOW_LATENCY_ONLY 2

struct followed {
	struct flow flow;
	char interface[IFNAMSIZ];
	struct ethtool_rx_flow_spec rule; /* as the driver has it */
	bool there;			  /* the driver has it */
	bool open;			  /* the socket was there at the last look */
	int error;			  /* of the last try, so that it is told once */
};

struct lli {
	const struct options *options;
	int control; /* a socket for ioctl() */
	struct followed *list;
	size_t count, room;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

/* ---- what is told ---- */

static void end_text(uint8_t family, const uint8_t *address, uint16_t port, char text[64])
{
	static const uint8_t any[16];
	char name[INET6_ADDRSTRLEN] = "*";

	if (memcmp(address, any, sizeof(any)) != 0)
		inet_ntop(family, address, name, sizeof(name));
	if (port)
		snprintf(text, 64, family == AF_INET6 ? "[%s]:%u" : "%s:%u", name, ntohs(port));
	else
		snprintf(text, 64, "%s:*", name);
}

/* A line on what became of a flow; JSON: an object a line. */
static void tell(const struct lli *lli, const struct followed *followed, const char *event)
{
	const struct flow *flow = &followed->flow;
	const char *protocol = flow->protocol == IPPROTO_TCP ? "tcp" : "udp";
	char local[64], remote[64];

	end_text(flow->family, flow->local, flow->local_port, local);
	end_text(flow->family, flow->remote, flow->remote_port, remote);
	if (lli->options->json) {
		json_t *object = json_pack("{ss ss ss ss ss}", "event", event, "interface",
					   followed->interface, "protocol", protocol, "local",
					   local, "remote", remote);

		if (followed->error)
			json_object_set_new(object, "error",
					    json_string(strerror(-followed->error)));
		else
			json_object_set_new(object, "location",
					    json_integer(followed->rule.location));
		json_dumpf(object, stdout, JSON_COMPACT);
		json_decref(object);
		printf("\n");
	} else if (followed->error) {
		printf("%-7s %s %s %s from %s: %s%s\n", event, followed->interface, protocol, local,
		       remote, strerror(-followed->error),
		       followed->error == -EOPNOTSUPP ? "; is ntuple on (ethtool -K)?"
		       : followed->error == -EEXIST   ? "; a rule of ethtool -n matches the same"
						      : "");
	} else {
		printf("%-7s %s %s %s from %s, rule %u\n", event, followed->interface, protocol,
		       local, remote, followed->rule.location);
	}
	fflush(stdout);
}

/* ---- rules ---- */

static int ethtool(const struct lli *lli, const char *interface, void *data)
{
	struct ifreq request = { .ifr_data = data };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", interface);
	return ioctl(lli->control, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/* A field of a rule: what it must be, and that it counts; zeros match anything. */
static void match(void *value, void *mask, const void *wanted, size_t bytes)
{
	static const uint8_t none[16];

	if (memcmp(wanted, none, bytes) == 0)
		return;
	memcpy(value, wanted, bytes);
	memset(mask, 0xff, bytes);
}

/* What is received has this end as its destination. */
static struct ethtool_rx_flow_spec rule_of(const struct flow *flow)
{
	struct ethtool_rx_flow_spec rule = { .location = RX_CLS_LOC_FIRST };

	if (flow->family == AF_INET) {
		struct ethtool_tcpip4_spec *value = &rule.h_u.tcp_ip4_spec,
					   *mask = &rule.m_u.tcp_ip4_spec;

		rule.flow_type = flow->protocol == IPPROTO_TCP ? TCP_V4_FLOW : UDP_V4_FLOW;
		match(&value->ip4src, &mask->ip4src, flow->remote, 4);
		match(&value->ip4dst, &mask->ip4dst, flow->local, 4);
		match(&value->psrc, &mask->psrc, &flow->remote_port, 2);
		match(&value->pdst, &mask->pdst, &flow->local_port, 2);
	} else {
		struct ethtool_tcpip6_spec *value = &rule.h_u.tcp_ip6_spec,
					   *mask = &rule.m_u.tcp_ip6_spec;

		rule.flow_type = flow->protocol == IPPROTO_TCP ? TCP_V6_FLOW : UDP_V6_FLOW;
		match(value->ip6src, mask->ip6src, flow->remote, 16);
		match(value->ip6dst, mask->ip6dst, flow->local, 16);
		match(&value->psrc, &mask->psrc, &flow->remote_port, 2);
		match(&value->pdst, &mask->pdst, &flow->local_port, 2);
	}
	rule.flow_type |= FLOW_EXT;
	rule.h_ext.data[1] = htonl(USER_DEF_LOW_LATENCY_ONLY);
	memset(rule.m_ext.data, 0xff, sizeof(rule.m_ext.data));
	return rule;
}

static void add_rule(const struct lli *lli, struct followed *followed)
{
	struct ethtool_rxnfc request = { .cmd = ETHTOOL_SRXCLSRLINS,
					 .fs = rule_of(&followed->flow) };
	int error = ethtool(lli, followed->interface, &request);

	if (!error) {
		followed->rule = request.fs;
		followed->there = true;
	}
	/* Room may be there the next time: that is tried, and told when it changes. */
	if (error == followed->error && error)
		return;
	followed->error = error;
	tell(lli, followed, error ? "refused" : "follow");
}

static void delete_rule(const struct lli *lli, struct followed *followed)
{
	struct ethtool_rxnfc request = { .cmd = ETHTOOL_GRXCLSRULE, .fs = followed->rule };

	if (!followed->there)
		return;
	followed->there = false;
	/* Somebody else may have taken it away, and put another one there. */
	followed->error = ethtool(lli, followed->interface, &request);
	if (!followed->error && memcmp(&request.fs, &followed->rule, sizeof(request.fs)) == 0) {
		request.cmd = ETHTOOL_SRXCLSRLDEL;
		followed->error = ethtool(lli, followed->interface, &request);
	}
	/* With its interface it went, too. */
	if (followed->error == -ENODEV || followed->error == -ENOENT)
		followed->error = 0;
	tell(lli, followed, "forget");
}

/* ---- flows and interfaces ---- */

static bool is_weir(const struct lli *lli, const char *interface)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	return ethtool(lli, interface, &info) == 0 &&
	       (strcmp(info.driver, "weir") == 0 || strcmp(info.driver, "weirvf") == 0);
}

static bool has_address(const struct ifaddrs *address, const struct flow *flow)
{
	static const uint8_t any[16];

	if (memcmp(flow->local, any, sizeof(any)) == 0)
		return true;
	if (!address->ifa_addr || address->ifa_addr->sa_family != flow->family)
		return false;
	if (flow->family == AF_INET)
		return memcmp(&((struct sockaddr_in *)(void *)address->ifa_addr)->sin_addr,
			      flow->local, 4) == 0;
	return memcmp(&((struct sockaddr_in6 *)(void *)address->ifa_addr)->sin6_addr, flow->local,
		      16) == 0;
}

static int follow(struct lli *lli, const struct flow *flow, const char *interface)
{
	struct followed *followed = NULL;

	for (size_t i = 0; i < lli->count && !followed; i++)
		if (memcmp(&lli->list[i].flow, flow, sizeof(*flow)) == 0 &&
		    strcmp(lli->list[i].interface, interface) == 0)
			followed = &lli->list[i];
	if (!followed) {
		if (lli->count == lli->room) {
			size_t room = lli->room ? 2 * lli->room : 32;
			struct followed *larger = realloc(lli->list, room * sizeof(*larger));

			if (!larger)
				return -ENOMEM;
			lli->list = larger;
			lli->room = room;
		}
		followed = &lli->list[lli->count++];
		*followed = (struct followed){ .flow = *flow };
		snprintf(followed->interface, sizeof(followed->interface), "%.15s", interface);
	}
	followed->open = true;
	if (!followed->there)
		add_rule(lli, followed);
	return 0;
}

/* The interface that was named takes all flows; else each is taken where its address is. */
static int follow_all(struct lli *lli, const struct flows *flows)
{
	const char *named = lli->options->argc ? lli->options->argv[0] : NULL;
	struct ifaddrs *addresses = NULL;
	int error = 0;

	if (!named && getifaddrs(&addresses) < 0)
		return -errno;
	for (size_t i = 0; !error && i < flows->count; i++) {
		if (named)
			error = follow(lli, &flows->flow[i], named);
		for (struct ifaddrs *at = addresses; !error && at; at = at->ifa_next)
			if (has_address(at, &flows->flow[i]) && is_weir(lli, at->ifa_name))
				error = follow(lli, &flows->flow[i], at->ifa_name);
	}
	freeifaddrs(addresses);
	return error;
}

/* Rules of sockets that were not seen again go. */
static void forget_closed(struct lli *lli)
{
	size_t kept = 0;

	for (size_t i = 0; i < lli->count; i++) {
		if (lli->list[i].open) {
			lli->list[i].open = false;
			lli->list[kept++] = lli->list[i];
		} else {
			delete_rule(lli, &lli->list[i]);
		}
	}
	lli->count = kept;
}

/* ---- the command ---- */

static int fail(const struct lli *lli, int error, const char *what)
{
	fprintf(stderr, "weirctl lli: process %d: %s: %s\n", lli->options->pid, what,
		strerror(-error));
	return error;
}

/* The flows of a process in a network namespace of its own are there, and so are its interfaces. */
static int enter_namespace(const struct lli *lli)
{
	char path[64];
	int fd, error = 0;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", lli->options->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		error = fail(lli, -errno, "its network namespace (root is needed)");
	if (fd >= 0)
		close(fd);
	return error;
}

/* Until the process is gone, or somebody wants an end. */
static int watch(struct lli *lli, int process)
{
	const struct timespec interval = { lli->options->interval_ms / 1000,
					   lli->options->interval_ms % 1000 * 1000000l };
	struct flows flows = { 0 };
	sigset_t asleep;
	int error = 0;

	/* Signals come while it sleeps, and at no other time: none is overlooked. */
	sigprocmask(SIG_SETMASK, NULL, &asleep);
	sigdelset(&asleep, SIGINT);
	sigdelset(&asleep, SIGTERM);
	while (!ended) {
		struct pollfd end = { .fd = process, .events = POLLIN };

		error = flows_of(lli->options->pid, &flows);
		if (!error)
			error = follow_all(lli, &flows);
		if (error)
			break;
		forget_closed(lli);
		if (ppoll(&end, 1, &interval, &asleep) > 0)
			break;
	}
	free(flows.flow);
	return error == -ESRCH ? 0 : error;
}

int command_lli(const struct options *options)
{
	struct lli lli = { .options = options };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;
	int process, error;

	if (options->pid <= 0) {
		fprintf(stderr, "weirctl lli: which process? --pid PID\n");
		return -EINVAL;
	}
	process = (int)syscall(SYS_pidfd_open, options->pid, 0);
	if (process < 0)
		return fail(&lli, -errno, "cannot be watched");
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	error = enter_namespace(&lli);
	if (!error) {
		lli.control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (lli.control < 0)
			error = fail(&lli, -errno, "socket");
	}
	if (!error && options->argc && !is_weir(&lli, options->argv[0])) {
		fprintf(stderr, "weirctl lli: %s is no interface of Weir's there\n",
			options->argv[0]);
		error = -ENODEV;
	}
	if (!error) {
		error = watch(&lli, process);
		if (error)
			fail(&lli, error, "its sockets");
		for (size_t i = 0; i < lli.count; i++)
			lli.list[i].open = false;
		forget_closed(&lli);
		close(lli.control);
	}
	free(lli.list);
	close(process);
	return error;
}
