/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection of one function to weir-sim: made, checked, watched, lost. */
#include "link.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

#define TIMEOUT_MS 5000 /* of an exchange; after it weir-sim counts as dead */

/* ---- interrupts ---- */

static void on_eventfd(void *opaque)
{
	const struct weir_link_vector *vector = opaque;
	uint64_t count;

	/* Masks, pending bits and remapping are QEMU's. */
	if (read(vector->eventfd, &count, sizeof(count)) == sizeof(count))
		msix_notify(PCI_DEVICE(vector->function), vector->number);
}

static void free_vectors(struct weir_link *link)
{
	for (uint32_t i = 0; i < weir_vectors(link->function); i++) {
		if (link->vectors[i].eventfd < 0)
			continue;
		qemu_set_fd_handler(link->vectors[i].eventfd, NULL, NULL, NULL);
		close(link->vectors[i].eventfd);
		link->vectors[i].eventfd = -1;
	}
}

/* 0 or -errno; what was made so far is freed later. */
static int make_vectors(struct weir_link *link)
{
	for (uint32_t i = 0; i < weir_vectors(link->function); i++) {
		struct weir_link_vector *vector = &link->vectors[i];

		if (vector->eventfd >= 0)
			continue;
		vector->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (vector->eventfd < 0)
			return -errno;
		qemu_set_fd_handler(vector->eventfd, on_eventfd, NULL, vector);
	}
	return 0;
}

static int send_vectors(struct weir_link *link)
{
	uint32_t count = weir_vectors(link->function);
	g_autofree int *eventfds = g_new(int, count);

	for (uint32_t i = 0; i < count; i++)
		eventfds[i] = link->vectors[i].eventfd;
	return vfu_client_irq_eventfds(link->client, VFU_IRQ_MSIX, 0, count, eventfds);
}

/* ---- the end of a connection ---- */

static void hang_up(struct weir_link *link)
{
	if (link->watched_fd >= 0)
		qemu_set_fd_handler(link->watched_fd, NULL, NULL, NULL);
	link->watched_fd = -1;
	vfu_client_destroy(link->client);
	link->client = NULL;
	link->function->absent = true;
	link->touched = link->vfs_ours = link->trouble_told = false;
}

void weir_link_close(struct weir_link *link)
{
	if (link->client)
		hang_up(link);
}

static void lost(struct weir_link *link)
{
	hang_up(link);
	if (weir_is_sriov_vf(link->function))
		warn_report(
			"weir: %s: weir-sim has hung up: the VF does not answer any more until it is reset or given to a "
			"driver again",
			link->path);
	else
		warn_report(
			"weir: %s: weir-sim has hung up: to the guest the card is pulled out, until it is reset or scans "
			"its PCI bus again",
			link->path);
}

bool weir_link_good(struct weir_link *link, int error)
{
	/* An error of the device is an answer; the client hangs up by itself where there is none. */
	if (!error || !vfu_client_check(link->client))
		return true;
	lost(link);
	return false;
}

/* The socket is readable. Replies are awaited where they are asked for, under the same lock: they are gone by now. */
static void on_socket(void *opaque)
{
	struct weir_link *link = opaque;
	char byte;

	if (!weir_link_good(link, -ENOTCONN))
		return;
	/* weir-sim never begins a conversation. */
	if (recv(link->watched_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
		warn_report("weir: %s: unexpected message", link->path);
		lost(link);
	}
}

/* ---- a new connection ---- */

/* Whether what answers is the function that we are to show. */
static int check_function(struct weir_link *link, char **why)
{
	static const uint8_t bars[] = { WEIR_BAR_REGISTERS, WEIR_BAR_DOORBELLS, WEIR_BAR_MSIX };
	uint16_t device_id = link->function->index ? WEIR_PCI_DEVICE_ID_VF : WEIR_PCI_DEVICE_ID_PF;
	uint16_t ids[2];
	int error = vfu_client_region_read(link->client, VFU_REGION_CONFIG, 0, ids, sizeof(ids));

	if (!error &&
	    (le16_to_cpu(ids[0]) != WEIR_PCI_VENDOR_ID || le16_to_cpu(ids[1]) != device_id))
		error = -ENODEV;
	for (size_t i = 0; !error && i < ARRAY_SIZE(bars); i++) {
		struct vfu_client_region region;

		error = vfu_client_region_info(link->client, bars[i], &region);
		if (error)
			break;
		if (region.size_bytes != weir_bar_bytes(link->function, bars[i]))
			error = -ENODEV;
		vfu_client_region_release(&region);
	}
	if (error == -ENODEV)
		*why = g_strdup("what answers there is no Weir of this version");
	return error;
}

static char *explain(int error)
{
	switch (error) {
	case -EBUSY:
		return g_strdup("somebody else has this function");
	case -ENOENT:
	case -ECONNREFUSED:
		return g_strdup_printf("nobody listens there (%s)", strerror(-error));
	default:
		return g_strdup(strerror(-error));
	}
}

/* Everything but the first step of weir_link_open(). */
static int introduce(struct weir_link *link, char **why)
{
	const WeirFunction *function = link->function;
	int error = check_function(link, why);

	if (!error)
		error = make_vectors(link);
	if (!error)
		error = send_vectors(link);
	if (error)
		return error;
	weir_link_memory_send(link);
	if (link->client && function->ats_control)
		weir_link_config_write(link, WEIR_CFG_ATS_CONTROL, function->ats_control, 2);
	if (link->client && function->command)
		weir_link_config_write(link, PCI_COMMAND, function->command, 2);
	return link->client ? 0 : -ENOTCONN;
}

int weir_link_open(struct weir_link *link, char **why)
{
	const struct vfu_client_config config = { .timeout_ms = TIMEOUT_MS };
	int error = vfu_client_connect(link->path, &config, &link->client);

	*why = NULL;
	if (error) {
		link->client = NULL;
	} else {
		link->function->absent = false;
		error = introduce(link, why);
	}
	if (error) {
		weir_link_close(link);
		if (!*why)
			*why = explain(error);
		return error;
	}
	link->failure_told = 0;
	link->touched = link->function->command || link->function->ats_control;
	link->watched_fd = vfu_client_fd(link->client);
	qemu_set_fd_handler(link->watched_fd, on_socket, NULL, link);
	return 0;
}

void weir_link_new(WeirFunction *function, const char *path)
{
	struct weir_link *link = g_new0(struct weir_link, 1);
	uint32_t count = weir_vectors(function);

	link->function = function;
	link->path = g_strdup(path);
	link->watched_fd = -1;
	link->vectors = g_new0(struct weir_link_vector, count);
	for (uint32_t i = 0; i < count; i++)
		link->vectors[i] = (struct weir_link_vector){ .function = function,
							      .number = (uint16_t)i,
							      .eventfd = -1 };
	weir_link_memory_init(link);
	function->backend_state = link;
	function->absent = true;
}

void weir_link_free(WeirFunction *function)
{
	struct weir_link *link = link_of(function);

	weir_link_close(link);
	free_vectors(link);
	weir_link_memory_free(link);
	g_free(link->vectors);
	g_free(link->path);
	g_free(link);
	function->backend_state = NULL;
}

/* ---- configuration space ---- */

uint32_t weir_link_config_read(struct weir_link *link, uint32_t offset, uint8_t bytes)
{
	uint32_t value = 0;
	int error = link->client ? vfu_client_region_read(link->client, VFU_REGION_CONFIG, offset,
							  &value, bytes)
				 : -ENOTCONN;

	if (error) {
		if (link->client)
			weir_link_good(link, error);
		return UINT32_MAX;
	}
	return le32_to_cpu(value);
}

void weir_link_config_write(struct weir_link *link, uint32_t offset, uint32_t value, uint8_t bytes)
{
	uint32_t wire = cpu_to_le32(value);

	if (!link->client)
		return;
	link->touched = true;
	/* Answered, not posted: whoever calls relies on what follows from it. */
	weir_link_good(link, vfu_client_region_write(link->client, VFU_REGION_CONFIG, offset, &wire,
						     bytes, 0));
}
