/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts: which eventfd the client wants signalled for which vector.
 * Specification: "VFIO_USER_DEVICE_GET_IRQ_INFO", "VFIO_USER_DEVICE_SET_IRQS".
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server_internal.h"

int vfu_eventfd_signal(int eventfd)
{
	struct pollfd pollfd = { .fd = eventfd, .events = POLLOUT };
	uint64_t one = 1;
	int ready = poll(&pollfd, 1, 0);

	if (ready < 0)
		return -errno;
	if (ready == 0)
		return -EAGAIN;
	if (write(eventfd, &one, sizeof(one)) < 0)
		return -errno;
	return 0;
}

int vfu_server_irq_eventfd(const struct vfu_server *server, uint32_t index, uint32_t vector)
{
	if (index >= VFU_IRQS || vector >= server->irqs[index].count)
		return -1;
	return server->irqs[index].eventfds[vector];
}

int vfu_server_irq_trigger(struct vfu_server *server, uint32_t index, uint32_t vector)
{
	int eventfd = vfu_server_irq_eventfd(server, index, vector);

	return eventfd < 0 ? -ENOENT : vfu_eventfd_signal(eventfd);
}

/* Forgets the eventfds of a range. */
static void close_range_of(struct vfu_irq_entry *irq, uint32_t start, uint32_t count)
{
	for (uint32_t i = start; i < start + count; i++) {
		if (irq->eventfds[i] >= 0)
			close(irq->eventfds[i]);
		irq->eventfds[i] = -1;
	}
}

void vfu_irqs_close(struct vfu_server *server)
{
	for (uint32_t index = 0; index < VFU_IRQS; index++)
		close_range_of(&server->irqs[index], 0, server->irqs[index].count);
}

int vfu_handle_irq_info(struct vfu_server *server, struct vfu_message *message)
{
	struct vfu_message_irq_info info;

	memcpy(&info, message->payload, sizeof(info));
	if (info.argument_bytes < sizeof(info))
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL,
				 "DEVICE_GET_IRQ_INFO: %u bytes of room", info.argument_bytes);
	if (info.index >= VFU_IRQS)
		return vfu_fault(server, VFU_FAULT_IRQ, -EINVAL,
				 "DEVICE_GET_IRQ_INFO: no interrupt %u", info.index);
	message->reply = vfu_reply_new(sizeof(info));
	if (!message->reply)
		return -ENOMEM;
	info = (struct vfu_message_irq_info){
		.argument_bytes = sizeof(info),
		.flags = server->irqs[info.index].flags | VFU_IRQ_INFO_EVENTFD,
		.index = info.index,
		.count = server->irqs[info.index].count,
	};
	memcpy(vfu_reply_payload(message->reply), &info, sizeof(info));
	return 0;
}

/* Whether a descriptor is an eventfd: a write to anything else may wait, or do something. */
static bool is_eventfd(int fd)
{
	char path[32];
	char target[32];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return strcmp(target, "anon_inode:[eventfd]") == 0;
}

/* How a refusal of the device reaches the client. */
static int device_refused(struct vfu_server *server, int error)
{
	if (error > 0 || error < -VFU_ERRNO_MAX)
		error = -EIO;
	return vfu_fault(server, VFU_FAULT_DEVICE, error, "DEVICE_SET_IRQS: the device answers: %s",
			 strerror(-error));
}

/* Puts the eventfds of a message in the place of those of a range; none: takes these away. */
static int replace_eventfds(struct vfu_server *server, const struct vfu_message_set_irqs *set,
			    struct vfu_fd_list *fds)
{
	struct vfu_irq_entry *irq = &server->irqs[set->index];
	int error = 0;

	for (size_t i = 0; i < fds->count; i++) {
		if (!is_eventfd(fds->fds[i]))
			return vfu_fault(server, VFU_FAULT_FDS, -EINVAL,
					 "DEVICE_SET_IRQS: descriptor %zu is not an eventfd", i);
	}
	if (server->callbacks->irq_eventfds && set->count > 0)
		error = server->callbacks->irq_eventfds(server->device, set->index, set->start,
							set->count, fds->count ? fds->fds : NULL);
	if (error)
		return device_refused(server, error);
	close_range_of(irq, set->start, set->count);
	for (size_t i = 0; i < fds->count; i++)
		irq->eventfds[set->start + i] = vfu_fd_list_take(fds, i);
	return 0;
}

/* Signals, as if the device had, the vectors of the range that are chosen and have an eventfd. */
static void trigger(struct vfu_server *server, const struct vfu_message_set_irqs *set,
		    const uint8_t *chosen)
{
	for (uint32_t i = 0; i < set->count; i++) {
		if (!chosen || chosen[i])
			vfu_server_irq_trigger(server, set->index, set->start + i);
	}
}

/* Masks or unmasks the chosen vectors, one callback for each stretch of them. */
static int mask(struct vfu_server *server, const struct vfu_message_set_irqs *set,
		const uint8_t *chosen)
{
	bool masked = (set->flags & VFU_IRQ_SET_ACTIONS_MASK) == VFU_IRQ_SET_ACTION_MASK;
	uint32_t i = 0;

	while (i < set->count) {
		uint32_t begin = i;
		int error;

		while (i < set->count && (!chosen || chosen[i]))
			i++;
		if (i == begin) {
			i++;
			continue;
		}
		error = server->callbacks->irq_mask(server->device, set->index, set->start + begin,
						    i - begin, masked);
		if (error)
			return device_refused(server, error);
	}
	return 0;
}

/* Exactly one bit of flags within mask is set. */
static bool one_of(uint32_t flags, uint32_t mask)
{
	flags &= mask;
	return flags != 0 && (flags & (flags - 1)) == 0;
}

/* Whether the flags go together, the range exists, and data and descriptors are those they want. */
static int check_set(struct vfu_server *server, const struct vfu_message_set_irqs *set,
		     const struct vfu_message *message)
{
	uint32_t data = set->flags & VFU_IRQ_SET_DATA_MASK;
	size_t wanted = sizeof(*set) + (data == VFU_IRQ_SET_DATA_BOOL ? set->count : 0);
	bool empty = set->start == 0 && set->count == 0;

	if (!one_of(set->flags, VFU_IRQ_SET_DATA_MASK) ||
	    !one_of(set->flags, VFU_IRQ_SET_ACTIONS_MASK) ||
	    (set->flags & ~(VFU_IRQ_SET_DATA_MASK | VFU_IRQ_SET_ACTIONS_MASK)))
		return vfu_fault(server, VFU_FAULT_IRQ, -EINVAL, "DEVICE_SET_IRQS: flags 0x%x",
				 set->flags);
	if (set->index >= VFU_IRQS)
		return vfu_fault(server, VFU_FAULT_IRQ, -EINVAL, "DEVICE_SET_IRQS: no interrupt %u",
				 set->index);
	if ((set->count == 0 &&
	     !(empty && set->flags == (VFU_IRQ_SET_DATA_NONE | VFU_IRQ_SET_ACTION_TRIGGER))) ||
	    set->start > server->irqs[set->index].count ||
	    set->count > server->irqs[set->index].count - set->start)
		return vfu_fault(server, VFU_FAULT_IRQ, -EINVAL,
				 "DEVICE_SET_IRQS: vectors %u and %u on of %u of interrupt %u",
				 set->start, set->count, server->irqs[set->index].count,
				 set->index);
	if (set->argument_bytes < wanted || message->payload_bytes != wanted)
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL,
				 "DEVICE_SET_IRQS: %zu bytes (argument %u), not %zu",
				 message->payload_bytes, set->argument_bytes, wanted);
	if (message->fds->count != 0 &&
	    (data != VFU_IRQ_SET_DATA_EVENTFD || message->fds->count != set->count))
		return vfu_fault(server, VFU_FAULT_FDS, -EINVAL,
				 "DEVICE_SET_IRQS: %zu descriptors for %u vectors",
				 message->fds->count, set->count);
	return 0;
}

int vfu_handle_set_irqs(struct vfu_server *server, struct vfu_message *message)
{
	struct vfu_message_set_irqs set;
	const uint8_t *chosen = NULL;
	bool triggers;
	int error;

	memcpy(&set, message->payload, sizeof(set));
	error = check_set(server, &set, message);
	if (error < 0)
		return error;
	server->stats.irq_commands++;
	triggers = set.flags & VFU_IRQ_SET_ACTION_TRIGGER;
	if (set.count == 0) {
		set.count = server->irqs[set.index].count;
		return replace_eventfds(server, &set, message->fds);
	}
	if (set.flags & VFU_IRQ_SET_DATA_EVENTFD) {
		if (triggers)
			return replace_eventfds(server, &set, message->fds);
		return vfu_fault(server, VFU_FAULT_IRQ, -EOPNOTSUPP,
				 "DEVICE_SET_IRQS: no eventfds for masking");
	}
	if (set.flags & VFU_IRQ_SET_DATA_BOOL)
		chosen = message->payload + sizeof(set);
	if (triggers) {
		trigger(server, &set, chosen);
		return 0;
	}
	if (!server->callbacks->irq_mask)
		return vfu_fault(server, VFU_FAULT_IRQ, -EOPNOTSUPP,
				 "DEVICE_SET_IRQS: interrupt %u cannot be masked", set.index);
	return mask(server, &set, chosen);
}
