/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each command does. A handler looks at a private copy of the payload, checks all of it before
 * it acts, and answers 0 (with message->reply, or a header alone), VFU_PENDING, or a negative errno.
 * Sections named below are those of the vfio-user specification.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capabilities.h"
#include "server_internal.h"

/* What Linux answers for a feature that a device does not have (and errno.h need not define). */
#define FEATURE_UNKNOWN ENOTTY

/* "VFIO_USER_VERSION" */
static int handle_version(struct vfu_server *server, struct vfu_message *message)
{
	struct vfu_message_version version;
	struct vfu_capabilities client;
	struct vfu_capabilities ours;
	const char *why = NULL;
	char *text = NULL;
	size_t text_bytes = 0;

	memcpy(&version, message->payload, sizeof(version));
	if (version.major != VFU_VERSION_MAJOR)
		return vfu_fault(server, VFU_FAULT_VERSION, -EPROTONOSUPPORT,
				 "version %u.%u is not %u.x", version.major, version.minor,
				 VFU_VERSION_MAJOR);
	if (vfu_capabilities_parse(message->payload + sizeof(version),
				   message->payload_bytes - sizeof(version), &client, &why) < 0)
		return vfu_fault(server, VFU_FAULT_VERSION, -EINVAL, "VERSION: %s", why);

	/* The reply names no capability that the client did not, and hence is not longer. */
	ours = (struct vfu_capabilities){
		.said = client.said,
		.max_message_fds = server->limits.max_message_fds,
		.max_data_transfer_bytes = server->limits.max_data_transfer_bytes,
		.max_dma_maps = server->limits.max_dma_maps,
		.page_sizes = server->limits.page_sizes,
		.write_multiple = true,
	};
	if (message->payload_bytes > sizeof(version)) {
		text = vfu_capabilities_format(&ours);
		if (!text)
			return -ENOMEM;
		text_bytes = strlen(text) + 1;
	}
	message->reply = vfu_reply_new(sizeof(version) + text_bytes);
	if (!message->reply) {
		free(text);
		return -ENOMEM;
	}
	if (version.minor > VFU_VERSION_MINOR)
		version.minor = VFU_VERSION_MINOR;
	memcpy(vfu_reply_payload(message->reply), &version, sizeof(version));
	if (text_bytes > 0)
		memcpy((char *)vfu_reply_payload(message->reply) + sizeof(version), text,
		       text_bytes);
	free(text);

	server->connection.may_get_fds = client.max_message_fds > 0;
	server->connection.negotiated = true;
	server->stats.clients_connected++;
	vfu_log(server, VFU_LOG_INFO, "client connected, version %u.%u", version.major,
		version.minor);
	if (server->callbacks->client_connected)
		server->callbacks->client_connected(server->device);
	return 0;
}

/* "VFIO_USER_DEVICE_GET_INFO" */
static int handle_device_info(struct vfu_server *server, struct vfu_message *message)
{
	struct vfu_message_device_info info;

	memcpy(&info, message->payload, sizeof(info));
	if (info.argument_bytes < sizeof(info))
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL,
				 "DEVICE_GET_INFO: %u bytes of room", info.argument_bytes);
	message->reply = vfu_reply_new(sizeof(info));
	if (!message->reply)
		return -ENOMEM;
	info = (struct vfu_message_device_info){
		.argument_bytes = sizeof(info),
		.flags = VFU_DEVICE_PCI | (server->callbacks->device_reset ? VFU_DEVICE_RESET : 0),
		.region_count = VFU_REGIONS,
		.irq_count = VFU_IRQS,
	};
	memcpy(vfu_reply_payload(message->reply), &info, sizeof(info));
	return 0;
}

/*
 * "VFIO_USER_DEVICE_GET_REGION_INFO". When the client has left too little room, the reply says how
 * much it takes and describes the region without its mapping: a client that does not ask again can
 * still use it by messages.
 */
static int handle_region_info(struct vfu_server *server, struct vfu_message *message)
{
	struct vfu_message_region_info info;
	const struct vfu_server_region *region;
	struct vfu_capability_sparse sparse = {
		.header = { .id = VFU_CAPABILITY_SPARSE_MMAP,
			    .version = VFU_CAPABILITY_SPARSE_MMAP_VERSION },
	};
	size_t areas_bytes = 0;
	size_t full_bytes = sizeof(info);
	bool mappable;
	uint32_t room;
	uint8_t *payload;

	memcpy(&info, message->payload, sizeof(info));
	room = info.argument_bytes;
	if (room < sizeof(info))
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL,
				 "DEVICE_GET_REGION_INFO: %u bytes of room", room);
	if (info.index >= VFU_REGIONS)
		return vfu_fault(server, VFU_FAULT_REGION, -EINVAL,
				 "DEVICE_GET_REGION_INFO: no region %u", info.index);
	region = &server->regions[info.index];
	mappable = region->mappable && server->connection.may_get_fds;
	if (mappable && region->sparse_area_count > 0) {
		sparse.area_count = region->sparse_area_count;
		areas_bytes = sparse.area_count * sizeof(region->sparse_areas[0]);
		full_bytes += sizeof(sparse) + areas_bytes;
	}
	if (room < full_bytes)
		mappable = false;

	message->reply = vfu_reply_new(mappable ? full_bytes : sizeof(info));
	if (!message->reply)
		return -ENOMEM;
	payload = vfu_reply_payload(message->reply);
	info = (struct vfu_message_region_info){
		.argument_bytes = (uint32_t)full_bytes,
		.flags = (region->readable ? VFU_REGION_READ : 0) |
			 (region->writable ? VFU_REGION_WRITE : 0),
		.index = info.index,
		.size_bytes = region->size_bytes,
	};
	if (mappable) {
		info.flags |= VFU_REGION_MMAP;
		info.offset_bytes = region->mmap_offset_bytes;
		message->reply->fd = region->mmap_fd;
	}
	if (mappable && areas_bytes > 0) {
		info.flags |= VFU_REGION_CAPABILITIES;
		info.capability_offset = sizeof(info);
		memcpy(payload + sizeof(info), &sparse, sizeof(sparse));
		memcpy(payload + sizeof(info) + sizeof(sparse), region->sparse_areas, areas_bytes);
	}
	memcpy(payload, &info, sizeof(info));
	return 0;
}

/* "VFIO_USER_DEVICE_GET_REGION_IO_FDS": there are none, which is an answer. */
static int handle_region_io_fds(struct vfu_server *server, struct vfu_message *message)
{
	struct vfu_message_region_io_fds info;

	memcpy(&info, message->payload, sizeof(info));
	if (info.argument_bytes < sizeof(info))
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL,
				 "DEVICE_GET_REGION_IO_FDS: %u bytes of room", info.argument_bytes);
	if (info.index >= VFU_REGIONS || info.flags != 0 || info.count != 0)
		return vfu_fault(server, VFU_FAULT_REGION, -EINVAL,
				 "DEVICE_GET_REGION_IO_FDS: region %u, flags 0x%x, count %u",
				 info.index, info.flags, info.count);
	message->reply = vfu_reply_new(sizeof(info));
	if (!message->reply)
		return -ENOMEM;
	info.argument_bytes = sizeof(info);
	memcpy(vfu_reply_payload(message->reply), &info, sizeof(info));
	return 0;
}

/* Checks where an access goes. */
static int check_access(struct vfu_server *server, const char *command, uint32_t index,
			uint64_t offset_bytes, uint64_t count_bytes, bool write)
{
	const struct vfu_server_region *region;

	if (index >= VFU_REGIONS)
		return vfu_fault(server, VFU_FAULT_REGION, -EINVAL, "%s: no region %u", command,
				 index);
	region = &server->regions[index];
	if (count_bytes == 0 || offset_bytes > region->size_bytes ||
	    count_bytes > region->size_bytes - offset_bytes)
		return vfu_fault(server, VFU_FAULT_REGION, -EINVAL,
				 "%s: %llu bytes at 0x%llx of region %u, which has 0x%llx", command,
				 (unsigned long long)count_bytes, (unsigned long long)offset_bytes,
				 index, (unsigned long long)region->size_bytes);
	if (!(write ? region->writable : region->readable))
		return vfu_fault(server, VFU_FAULT_REGION, -EACCES, "%s: not allowed in region %u",
				 command, index);
	return 0;
}

/* The device's own refusal of something well-formed. */
static int device_refused(struct vfu_server *server, const char *command, int error)
{
	if (error > 0 || error < -VFU_ERRNO_MAX)
		error = -EIO;
	return vfu_fault(server, VFU_FAULT_DEVICE, error, "%s: the device answers: %s", command,
			 strerror(-error));
}

/* "VFIO_USER_REGION_READ" */
static int handle_region_read(struct vfu_server *server, struct vfu_message *message)
{
	struct vfu_message_region_access access;
	uint8_t *payload;
	int error;

	memcpy(&access, message->payload, sizeof(access));
	if (access.count_bytes > server->limits.max_data_transfer_bytes)
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL,
				 "REGION_READ: %u bytes, at most %u", access.count_bytes,
				 server->limits.max_data_transfer_bytes);
	error = check_access(server, "REGION_READ", access.region, access.offset_bytes,
			     access.count_bytes, false);
	if (error < 0)
		return error;
	message->reply = vfu_reply_new(sizeof(access) + access.count_bytes);
	if (!message->reply)
		return -ENOMEM;
	payload = vfu_reply_payload(message->reply);
	memcpy(payload, &access, sizeof(access));
	server->stats.region_reads++;
	error = server->callbacks->region_read(server->device, access.region, access.offset_bytes,
					       payload + sizeof(access), access.count_bytes);
	return error ? device_refused(server, "REGION_READ", error) : 0;
}

/* "VFIO_USER_REGION_WRITE" */
static int handle_region_write(struct vfu_server *server, struct vfu_message *message)
{
	struct vfu_message_region_access access;
	int error;

	memcpy(&access, message->payload, sizeof(access));
	if (access.count_bytes != message->payload_bytes - sizeof(access) ||
	    access.count_bytes > server->limits.max_data_transfer_bytes)
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL,
				 "REGION_WRITE: count %u, but %zu bytes (at most %u)",
				 access.count_bytes, message->payload_bytes - sizeof(access),
				 server->limits.max_data_transfer_bytes);
	error = check_access(server, "REGION_WRITE", access.region, access.offset_bytes,
			     access.count_bytes, true);
	if (error < 0)
		return error;
	message->reply = vfu_reply_new(sizeof(access));
	if (!message->reply)
		return -ENOMEM;
	memcpy(vfu_reply_payload(message->reply), &access, sizeof(access));
	server->stats.region_writes++;
	error = server->callbacks->region_write(server->device, access.region, access.offset_bytes,
						message->payload + sizeof(access),
						access.count_bytes);
	return error ? device_refused(server, "REGION_WRITE", error) : 0;
}

/* "VFIO_USER_REGION_WRITE_MULTI": nothing is written unless every write is well-formed. */
static int handle_write_multi(struct vfu_server *server, struct vfu_message *message)
{
	struct vfu_message_write_multi multi;
	const uint8_t *writes = message->payload + sizeof(multi);
	uint64_t room = (message->payload_bytes - sizeof(multi)) / sizeof(struct vfu_multi_write);
	struct vfu_multi_write write;
	int error;

	memcpy(&multi, message->payload, sizeof(multi));
	if (multi.write_count == 0 || multi.write_count != room ||
	    message->payload_bytes != sizeof(multi) + room * sizeof(write))
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL,
				 "REGION_WRITE_MULTI: %llu writes in %zu bytes",
				 (unsigned long long)multi.write_count, message->payload_bytes);
	for (uint64_t i = 0; i < multi.write_count; i++) {
		memcpy(&write, writes + i * sizeof(write), sizeof(write));
		if (write.count_bytes > VFU_MULTI_WRITE_BYTES)
			return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL,
					 "REGION_WRITE_MULTI: a write of %u bytes",
					 write.count_bytes);
		error = check_access(server, "REGION_WRITE_MULTI", write.region, write.offset_bytes,
				     write.count_bytes, true);
		if (error < 0)
			return error;
	}
	message->reply = vfu_reply_new(sizeof(multi));
	if (!message->reply)
		return -ENOMEM;
	memcpy(vfu_reply_payload(message->reply), &multi, sizeof(multi));
	for (uint64_t i = 0; i < multi.write_count; i++) {
		memcpy(&write, writes + i * sizeof(write), sizeof(write));
		server->stats.region_writes++;
		error = server->callbacks->region_write(server->device, write.region,
							write.offset_bytes, write.data,
							write.count_bytes);
		if (error)
			return device_refused(server, "REGION_WRITE_MULTI", error);
	}
	return 0;
}

/* "VFIO_USER_DEVICE_RESET" */
static int handle_device_reset(struct vfu_server *server, struct vfu_message *message)
{
	int result;

	(void)message;
	if (!server->callbacks->device_reset)
		return vfu_fault(server, VFU_FAULT_COMMAND, -EOPNOTSUPP,
				 "DEVICE_RESET: this device cannot be reset");
	server->stats.resets++;
	vfu_pending_begin(server, VFU_PENDING_RESET);
	result = server->callbacks->device_reset(server->device);
	if (result == VFU_PENDING)
		return VFU_PENDING;
	vfu_pending_cancel(server);
	return result ? device_refused(server, "DEVICE_RESET", result) : 0;
}

/* "VFIO_USER_DEVICE_FEATURE": the features there are belong to migration, which is not offered. */
static int handle_device_feature(struct vfu_server *server, struct vfu_message *message)
{
	struct vfu_message_device_feature feature;

	memcpy(&feature, message->payload, sizeof(feature));
	if (feature.argument_bytes < sizeof(feature))
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL,
				 "DEVICE_FEATURE: %u bytes of room", feature.argument_bytes);
	return vfu_fault(server, VFU_FAULT_COMMAND, -FEATURE_UNKNOWN,
			 "DEVICE_FEATURE: no feature %u", feature.flags & VFU_FEATURE_INDEX_MASK);
}

/* --- the door ------------------------------------------------------------------------------------ */

/* What a command's message must look like before its handler sees it. */
struct rule {
	const char *name;
	int (*handle)(struct vfu_server *server, struct vfu_message *message);
	size_t payload_bytes;
	/*
	 * More may follow: data, or, in the commands that ask for information, the room that some
	 * clients send along with the question.
	 */
	bool longer;
	bool takes_fds;
};

static const struct rule rules[VFU_COMMANDS] = {
	[VFU_COMMAND_VERSION] = { "VERSION", handle_version, sizeof(struct vfu_message_version),
				  true, false },
	[VFU_COMMAND_DMA_MAP] = { "DMA_MAP", vfu_handle_dma_map, sizeof(struct vfu_message_dma_map),
				  false, true },
	[VFU_COMMAND_DMA_UNMAP] = { "DMA_UNMAP", vfu_handle_dma_unmap,
				    sizeof(struct vfu_message_dma_unmap), false, false },
	[VFU_COMMAND_DEVICE_GET_INFO] = { "DEVICE_GET_INFO", handle_device_info,
					  sizeof(struct vfu_message_device_info), true, false },
	[VFU_COMMAND_DEVICE_GET_REGION_INFO] = { "DEVICE_GET_REGION_INFO", handle_region_info,
						 sizeof(struct vfu_message_region_info), true,
						 false },
	[VFU_COMMAND_DEVICE_GET_REGION_IO_FDS] = { "DEVICE_GET_REGION_IO_FDS", handle_region_io_fds,
						   sizeof(struct vfu_message_region_io_fds), true,
						   false },
	[VFU_COMMAND_DEVICE_GET_IRQ_INFO] = { "DEVICE_GET_IRQ_INFO", vfu_handle_irq_info,
					      sizeof(struct vfu_message_irq_info), true, false },
	[VFU_COMMAND_DEVICE_SET_IRQS] = { "DEVICE_SET_IRQS", vfu_handle_set_irqs,
					  sizeof(struct vfu_message_set_irqs), true, true },
	[VFU_COMMAND_REGION_READ] = { "REGION_READ", handle_region_read,
				      sizeof(struct vfu_message_region_access), false, false },
	[VFU_COMMAND_REGION_WRITE] = { "REGION_WRITE", handle_region_write,
				       sizeof(struct vfu_message_region_access), true, false },
	[VFU_COMMAND_DEVICE_RESET] = { "DEVICE_RESET", handle_device_reset, 0, false, false },
	[VFU_COMMAND_REGION_WRITE_MULTI] = { "REGION_WRITE_MULTI", handle_write_multi,
					     sizeof(struct vfu_message_write_multi), true, false },
	[VFU_COMMAND_DEVICE_FEATURE] = { "DEVICE_FEATURE", handle_device_feature,
					 sizeof(struct vfu_message_device_feature), true, false },
};

/* The header of a message whose payload is here too. */
static int check_header(struct vfu_server *server, const struct vfu_header *header)
{
	bool negotiated = server->connection.negotiated;

	/* Nothing is ever asked of the client, so there is nothing it could reply to. */
	if ((header->flags & VFU_FLAG_TYPE_MASK) != VFU_FLAG_TYPE_COMMAND ||
	    (header->flags & VFU_FLAG_ERROR) || (header->flags & ~VFU_FLAGS_KNOWN))
		return vfu_fault(server, VFU_FAULT_HEADER, -EINVAL, "command %u with flags 0x%x",
				 header->command, header->flags);
	if (negotiated == (header->command == VFU_COMMAND_VERSION))
		return vfu_fault(server, VFU_FAULT_STATE, -EINVAL, "command %u %s", header->command,
				 negotiated ? "once more" : "before VERSION");
	if (header->command >= VFU_COMMANDS || !rules[header->command].handle)
		return vfu_fault(server, VFU_FAULT_COMMAND, -EOPNOTSUPP, "no command %u here",
				 header->command);
	return 0;
}

/* The size of the payload and the number of descriptors. */
static int check_shape(struct vfu_server *server, const struct rule *rule,
		       const struct vfu_message *message)
{
	if (message->payload_bytes < rule->payload_bytes ||
	    (message->payload_bytes > rule->payload_bytes && !rule->longer))
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL, "%s: %zu bytes, not %zu%s",
				 rule->name, message->payload_bytes, rule->payload_bytes,
				 rule->longer ? " or more" : "");
	if (message->fds->lost)
		return vfu_fault(server, VFU_FAULT_FDS, -EMFILE,
				 "%s: no room here for its descriptors", rule->name);
	if (message->fds->discarded > 0)
		return vfu_fault(server, VFU_FAULT_FDS, -E2BIG, "%s: %zu descriptors, at most %u",
				 rule->name, message->fds->count + message->fds->discarded,
				 server->limits.max_message_fds);
	if (message->fds->count > 0 && !rule->takes_fds)
		return vfu_fault(server, VFU_FAULT_FDS, -EINVAL,
				 "%s: with %zu descriptors, takes none", rule->name,
				 message->fds->count);
	return 0;
}

void vfu_message_handle(struct vfu_server *server)
{
	struct vfu_input *input = &server->connection.input;
	struct vfu_message message = {
		.header = input->header,
		.payload = input->payload,
		.payload_bytes = input->payload_size,
		.fds = &input->fds,
	};
	int result;

	server->stats.messages++;
	server->pending.header = message.header;
	result = check_header(server, &message.header);
	if (result == 0)
		result = check_shape(server, &rules[message.header.command], &message);
	if (result == 0)
		result = rules[message.header.command].handle(server, &message);
	/* Before the answer: a client that has it can rely on its descriptors being closed. */
	vfu_input_next(server);
	if (result == VFU_PENDING)
		return;
	vfu_reply(server, &message.header, result, message.reply);
	/* "or closes the connection": without a version there is nothing to go on with. */
	if (!server->connection.negotiated)
		vfu_doom(server, VFU_GONE_PROTOCOL);
}
