/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which wire a port has: one of the caller's own, a cable to another port or to itself (loopback), or one that is opened by its
 * description.
 */
#include "sim.h"

#include <errno.h>
#include <string.h>

void sim_port_attach(struct sim_port *port, const struct sim_wire *wire, void *state, bool carrier)
{
	const struct sim_wire *old = port->wire;
	void *old_state = port->state;

	port->wire = NULL;
	port->state = NULL;
	if (old && old->close)
		old->close(old_state);
	port->cable = NULL;
	port->wire = wire;
	port->state = state;
	sim_port_set_carrier(port, wire && carrier);
}

/* ---- a wire of the caller's own ---- */

static int own_transmit(void *state, const struct iovec *iov, int count)
{
	struct sim_port *port = state;

	return port->ops.transmit ? port->ops.transmit(port->ops_opaque, iov, count) : 0;
}

static void own_close(void *state)
{
	struct sim_port *port = state;

	if (port->ops.close)
		port->ops.close(port->ops_opaque);
}

static const struct sim_wire own_wire = {
	.name = "own",
	.transmit = own_transmit,
	.close = own_close,
};

int weirsim_wire_attach(struct weirsim *sim, uint8_t index, const struct weirsim_wire_ops *ops,
			void *opaque)
{
	struct sim_port *port;

	if (index >= sim->config.ports)
		return -EINVAL;
	port = &sim->ports[index];
	sim_port_attach(port, NULL, NULL, false);
	if (!ops)
		return 0;
	port->ops = *ops;
	port->ops_opaque = opaque;
	sim_port_attach(port, &own_wire, port, true);
	return 0;
}

int weirsim_wire_receive(struct weirsim *sim, uint8_t index, const void *frame, size_t bytes)
{
	struct iovec iov = { .iov_base = (void *)frame, .iov_len = bytes };

	if (index >= sim->config.ports)
		return -EINVAL;
	return sim_port_deliver(&sim->ports[index], &iov, 1);
}

/* ---- cable and loopback ---- */

/* What the fast path leaves over: large frames, and those that find no room. */
static int cable_transmit(void *state, const struct iovec *iov, int count)
{
	struct sim_port *port = state;

	/* It was sent; if the other end dropped it, it is counted there. */
	sim_port_deliver(port->cable, iov, count);
	return 0;
}

static void cable_close(void *state)
{
	struct sim_port *port = state;
	struct sim_port *other = port->cable;

	port->cable = NULL;
	if (!other || other == port)
		return;
	other->cable = NULL;
	other->wire = NULL;
	other->state = NULL;
	sim_port_set_carrier(other, false);
}

static const struct sim_wire cable_wire = {
	.name = "cable",
	.transmit = cable_transmit,
	.close = cable_close,
};

static const struct sim_wire loopback_wire = {
	.name = "loopback",
	.transmit = cable_transmit,
	.close = cable_close,
};

int weirsim_wire_cable(struct weirsim *a, uint8_t index_a, struct weirsim *b, uint8_t index_b)
{
	struct sim_port *port_a, *port_b;

	if (index_a >= a->config.ports || index_b >= b->config.ports)
		return -EINVAL;
	port_a = &a->ports[index_a];
	port_b = &b->ports[index_b];
	if (port_a == port_b) {
		sim_port_attach(port_a, NULL, NULL, false);
		port_a->wire = &loopback_wire;
		port_a->state = port_a;
		port_a->cable = port_a;
		sim_port_set_carrier(port_a, true);
		return 0;
	}
	sim_port_attach(port_a, NULL, NULL, false);
	sim_port_attach(port_b, NULL, NULL, false);
	port_a->wire = port_b->wire = &cable_wire;
	port_a->state = port_a;
	port_b->state = port_b;
	port_a->cable = port_b;
	port_b->cable = port_a;
	port_b->carrier = true;
	sim_port_set_carrier(port_a, true);
	return 0;
}

/* ---- by description ---- */

static int open_none(struct sim_port *port, const char *options)
{
	(void)options;
	sim_port_attach(port, NULL, NULL, false);
	return 0;
}

static int open_loopback(struct sim_port *port, const char *options)
{
	(void)options;
	return weirsim_wire_cable(port->sim, port->card->index, port->sim, port->card->index);
}

static const struct {
	const char *name;
	bool takes_options;
	int (*open)(struct sim_port *port, const char *options);
} kinds[] = {
	{ "none", false, open_none },
	{ "loopback", false, open_loopback },
	{ "tap", true, sim_wire_open_tap },
	{ "pcap", true, sim_wire_open_pcap },
	{ "stream", true, sim_wire_open_stream },
	{ "dgram", true, sim_wire_open_datagram },
};

int weirsim_wire_open(struct weirsim *sim, uint8_t index, const char *description)
{
	size_t length = strcspn(description, ":");
	bool has_options = description[length] == ':';

	if (index >= sim->config.ports) {
		sim_log(sim, WEIR_LOG_LEVEL_ERROR, "wire: the card has no port %u", index);
		return -EINVAL;
	}
	for (size_t i = 0; i < SIM_ARRAY_SIZE(kinds); i++) {
		if (strlen(kinds[i].name) != length || memcmp(kinds[i].name, description, length))
			continue;
		if (has_options != kinds[i].takes_options) {
			sim_log(sim, WEIR_LOG_LEVEL_ERROR, "wire: %s %s", kinds[i].name,
				has_options ? "takes no options" : "needs options: NAME:…");
			return -EINVAL;
		}
		return kinds[i].open(&sim->ports[index],
				     has_options ? description + length + 1 : "");
	}
	sim_log(sim, WEIR_LOG_LEVEL_ERROR,
		"wire: no kind of wire is called \"%.*s\" (none, loopback, tap, pcap, stream, dgram)",
		length < 64 ? (int)length : 64, description);
	return -EINVAL;
}

int weirsim_wire_fd(struct weirsim *sim, uint8_t index)
{
	const struct sim_port *port;

	if (index >= sim->config.ports)
		return -1;
	port = &sim->ports[index];
	return port->wire && port->wire->fd ? port->wire->fd(port->state) : -1;
}
