/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Performs a list of operations on a function's configuration space, where no Python is: in a guest, through sysfs, and in a process
 * that holds a card by libweirsim.
 *
 *	config-probe sysfs /sys/bus/pci/devices/0000:01:00.0         <operations >results
 *	config-probe card TOTAL_VFS SERIAL NUMBER_OF_VFS FUNCTION    <operations >results
 *
 * Operations, one a line, numbers hexadecimal: "r OFFSET SIZE" reads, "d" reads all 4096 bytes, "w OFFSET SIZE KEEP VALUE" writes what
 * stood there at the beginning, where KEEP has ones, and VALUE; "e" has a function of a card see an error, and reads all. Results: first
 * the 4096 bytes from the beginning, then a line of hexadecimal digits for every reading operation; numbers as numbers, all bytes in their
 * order.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weirsim.h"
#include "weir/weir_config_space.h"

/* One of both: a file in sysfs, or a function of a card. */
struct place {
	int fd;
	struct weirsim *sim;
	uint16_t function;
};

static void die(const char *what)
{
	fprintf(stderr, "config-probe: %s%s%s\n", what, errno ? ": " : "",
		errno ? strerror(errno) : "");
	exit(1);
}

/* Bytes of a little-endian number */
static uint32_t number_at(const uint8_t *bytes, uint32_t size)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < size; i++)
		value |= (uint32_t)bytes[i] << 8 * i;
	return value;
}

static uint32_t place_read(const struct place *place, uint32_t offset, uint32_t size)
{
	uint8_t bytes[4];

	if (place->sim)
		return weirsim_config_read(place->sim, place->function, (uint16_t)offset,
					   (uint8_t)size);
	if (pread(place->fd, bytes, size, offset) != (ssize_t)size)
		die("read");
	return number_at(bytes, size);
}

static void place_write(const struct place *place, uint32_t offset, uint32_t size, uint32_t value)
{
	uint8_t bytes[4];

	if (place->sim) {
		weirsim_config_write(place->sim, place->function, (uint16_t)offset, value,
				     (uint8_t)size);
		weirsim_poll(place->sim);
		return;
	}
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	if (pwrite(place->fd, bytes, size, offset) != (ssize_t)size)
		die("write");
}

static void read_all(const struct place *place, uint8_t *space)
{
	for (uint32_t offset = 0; offset < WEIR_CONFIG_BYTES; offset += 4) {
		uint32_t value = place_read(place, offset, 4);

		for (uint32_t i = 0; i < 4; i++)
			space[offset + i] = (uint8_t)(value >> 8 * i);
	}
}

static void print_all(const struct place *place)
{
	uint8_t space[WEIR_CONFIG_BYTES];

	read_all(place, space);
	for (uint32_t i = 0; i < WEIR_CONFIG_BYTES; i++)
		printf("%02x", space[i]);
	printf("\n");
}

/* No register is one byte wide: an unsupported request. */
static void see_error(const struct place *place)
{
	uint8_t byte;

	if (!place->sim || weirsim_mmio_read(place->sim, place->function, 0, 0, &byte, 1))
		die("no error can be made here");
}

static void perform(const struct place *place, const uint8_t *before, const char *line)
{
	uint32_t offset, size, keep = 0, value = 0;
	char kind;
	int found = sscanf(line, "%c %" SCNx32 " %" SCNx32 " %" SCNx32 " %" SCNx32, &kind, &offset,
			   &size, &keep, &value);

	errno = 0;
	if (found == 1 && kind == 'e')
		see_error(place);
	if (found == 1 && (kind == 'd' || kind == 'e')) {
		print_all(place);
		return;
	}
	if (found < 3 || (size != 1 && size != 2 && size != 4) ||
	    offset > WEIR_CONFIG_BYTES - size || offset % size)
		die("an operation is malformed");
	if (kind == 'r' && found == 3)
		printf("%" PRIx32 "\n", place_read(place, offset, size));
	else if (kind == 'w' && found == 5)
		place_write(place, offset, size, (number_at(before + offset, size) & keep) | value);
	else
		die("an operation is malformed");
}

static void on_interrupt(void *opaque, uint16_t function, uint16_t vector, uint64_t address,
			 uint32_t data)
{
	(void)opaque;
	(void)function;
	(void)vector;
	(void)address;
	(void)data;
}

static void open_card(struct place *place, char **arguments)
{
	static const struct weirsim_host_ops ops = { .interrupt = on_interrupt };
	struct weirsim_config config = { .host = &ops };
	uint32_t vfs = (uint32_t)strtoul(arguments[2], NULL, 0);

	config.total_vfs = (uint16_t)strtoul(arguments[0], NULL, 0);
	config.serial = strtoull(arguments[1], NULL, 0);
	place->sim = weirsim_create(&config);
	if (!place->sim)
		die("no card");
	place->function = (uint16_t)strtoul(arguments[3], NULL, 0);
	if (vfs)
		errno = -weirsim_enable_vfs(place->sim, (uint16_t)vfs);
	if (vfs && errno)
		die("no VFs");
	while (weirsim_poll(place->sim))
		;
}

static void open_sysfs(struct place *place, const char *folder)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/config", folder);
	place->fd = open(path, O_RDWR | O_CLOEXEC);
	if (place->fd < 0)
		die(path);
}

int main(int argc, char **argv)
{
	static uint8_t before[WEIR_CONFIG_BYTES];
	struct place place = { .fd = -1 };
	char line[128];

	if (argc == 6 && !strcmp(argv[1], "card"))
		open_card(&place, argv + 2);
	else if (argc == 3 && !strcmp(argv[1], "sysfs"))
		open_sysfs(&place, argv[2]);
	else
		die("usage: config-probe sysfs FOLDER | card TOTAL_VFS SERIAL NUMBER_OF_VFS FUNCTION");
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	read_all(&place, before);
	print_all(&place);
	while (fgets(line, sizeof(line), stdin))
		perform(&place, before, line);
	if (ferror(stdin) || fflush(stdout) || ferror(stdout))
		die("standard input or output");
	weirsim_destroy(place.sim);
	return 0;
}
