/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A card whose function a kernel driver of Weir's has: commands that only look go through the driver's file in debugfs, registers
 * are ethtool's dump. The kernel keeps BAR0, and the mailbox in it, for the driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "card.h"
#include "weirctl.h"

struct driver {
	int admin; /* the file in debugfs */
	struct ethtool_regs *registers;
};

static int command(struct card *card, uint16_t opcode, const void *request, uint32_t request_bytes,
		   void *response, uint32_t capacity, uint32_t *response_bytes, uint32_t *detail)
{
	struct driver *driver = card->private;
	struct {
		struct weir_admin_command command;
		uint8_t data[WEIR_ADMIN_DATA_MAX_BYTES];
	} sent = { .command = { .opcode = weir_cpu_to_le16(opcode),
				.request_length = weir_cpu_to_le16((uint16_t)request_bytes) } };
	struct {
		struct weir_admin_completion completion;
		uint8_t data[WEIR_ADMIN_DATA_MAX_BYTES];
	} got;
	ssize_t bytes;

	if (request_bytes)
		memcpy(sent.data, request, request_bytes);
	bytes = write(driver->admin, &sent, sizeof(sent.command) + request_bytes);
	if (bytes >= 0)
		bytes = read(driver->admin, &got, sizeof(got));
	if (bytes < (ssize_t)sizeof(got.completion)) {
		int error = bytes < 0 ? -errno : -EIO;

		snprintf(card->error, sizeof(card->error), "%s: driver %s: %s%s", card->name,
			 card->driver, strerror(-error),
			 error == -EPERM
				 ? "; with the driver bound, what it keeps account of is set by ip and ethtool"
			 : error == -ENODEV ? "; is the function in reset?"
					    : "");
		return error;
	}
	*response_bytes = weir_le32_to_cpu(got.completion.response_length);
	if (*response_bytes > capacity || *response_bytes > (size_t)bytes - sizeof(got.completion))
		*response_bytes = 0;
	memcpy(response, got.data, *response_bytes);
	*detail = weir_le32_to_cpu(got.completion.detail);
	return weir_le16_to_cpu(got.completion.status);
}

/* ETHTOOL_GREGS or ETHTOOL_GDRVINFO; netlink has neither. */
static int ethtool(const char *interface, void *data)
{
	struct ifreq request;
	int error = 0, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", interface);
	request.ifr_data = data;
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		error = -errno;
	close(fd);
	return error;
}

static int read_dump(struct card *card)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct driver *driver = card->private;
	char interface[64];
	int error;

	kernel_interface(card->name, interface);
	error = ethtool(interface, &info);
	if (!error) {
		driver->registers = calloc(1, sizeof(*driver->registers) + info.regdump_len);
		driver->registers->cmd = ETHTOOL_GREGS;
		driver->registers->len = info.regdump_len;
		error = ethtool(interface, driver->registers);
	}
	if (error)
		snprintf(
			card->error, sizeof(card->error),
			"%s: ethtool -d %s: %s; an interface in another network namespace is read there",
			card->name, interface, strerror(-error));
	return error;
}

static int read_register(struct card *card, uint16_t function, uint32_t offset, uint32_t *value)
{
	struct driver *driver = card->private;

	if (function) {
		snprintf(card->error, sizeof(card->error),
			 "%s: give the VF's own PCI address to read its registers", card->name);
		return -EINVAL;
	}
	if (!driver->registers) {
		int error = read_dump(card);

		if (error)
			return error;
	}
	if (offset + sizeof(*value) > driver->registers->len) {
		snprintf(card->error, sizeof(card->error), "%s: the dump ends before register %03x",
			 card->name, offset);
		return -ENODATA;
	}
	memcpy(value, driver->registers->data + offset, sizeof(*value));
	return 0;
}

static void close_driver(struct card *card)
{
	struct driver *driver = card->private;

	close(driver->admin);
	free(driver->registers);
	free(driver);
}

int card_open_driver(struct card *card)
{
	static const struct card_ops ops = { command, read_register, close_driver };
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%.60s/%.32s/admin", card->driver,
		 card->name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		int error = -errno;

		snprintf(card->error, sizeof(card->error), "%s: %s (root is needed)", path,
			 strerror(-error));
		return error;
	}
	struct driver *driver = calloc(1, sizeof(*driver));

	driver->admin = fd;
	card->private = driver;
	card->ops = &ops;
	return 0;
}
