/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A card through its BAR0 mailbox (specs/admin-queue.md, "Mailbox"): works with no kernel driver, and beside one, since the
 * mailbox has an owner register of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "card.h"
#include "weirctl.h"

#define COMMAND_TIMEOUT_MS 2000

struct mailbox {
	volatile uint8_t *registers;
	uint32_t window, window_bytes;
};

static uint32_t load(struct mailbox *mailbox, uint32_t offset)
{
	return weir_le32_to_cpu(*(volatile uint32_t *)(mailbox->registers + offset));
}

static void store(struct mailbox *mailbox, uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(mailbox->registers + offset) = weir_cpu_to_le32(value);
}

static void pause_us(long us)
{
	struct timespec wait = { 0, us * 1000 };

	nanosleep(&wait, NULL);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Takes the owner register; two tools at once take turns. */
static int claim(struct card *card, struct mailbox *mailbox)
{
	uint32_t token = (uint32_t)getpid();
	int64_t until_ms = now_ms() + COMMAND_TIMEOUT_MS;

	while (now_ms() < until_ms) {
		if (load(mailbox, WEIR_REG_MAILBOX_OWNER) == 0)
			store(mailbox, WEIR_REG_MAILBOX_OWNER, token);
		if (load(mailbox, WEIR_REG_MAILBOX_OWNER) == token)
			return 0;
		pause_us(1000);
	}
	snprintf(card->error, sizeof(card->error),
		 "%s: process %" PRIu32 " holds the mailbox; if it is gone, reset the function",
		 card->name, load(mailbox, WEIR_REG_MAILBOX_OWNER));
	return -EBUSY;
}

static void window_write(struct mailbox *mailbox, const void *from, uint32_t bytes)
{
	for (uint32_t at = 0; at < bytes; at += 4) {
		uint32_t word = 0;

		memcpy(&word, (const uint8_t *)from + at, bytes - at < 4 ? bytes - at : 4);
		*(volatile uint32_t *)(mailbox->registers + mailbox->window + at) = word;
	}
}

static void window_read(struct mailbox *mailbox, void *to, uint32_t bytes)
{
	for (uint32_t at = 0; at < bytes; at += 4) {
		uint32_t word = *(volatile uint32_t *)(mailbox->registers + mailbox->window + at);

		memcpy((uint8_t *)to + at, &word, bytes - at < 4 ? bytes - at : 4);
	}
}

static int command(struct card *card, uint16_t opcode, const void *request, uint32_t request_bytes,
		   void *response, uint32_t capacity, uint32_t *response_bytes, uint32_t *detail)
{
	struct mailbox *mailbox = card->private;
	int64_t until_ms;
	uint32_t status;
	int error = claim(card, mailbox);

	if (error)
		return error;
	/* The status of an earlier command goes when the new owner is seen: what is read later is ours (specs/admin-queue.md). */
	until_ms = now_ms() + COMMAND_TIMEOUT_MS;
	while (load(mailbox, WEIR_REG_MAILBOX_STATUS) && now_ms() < until_ms)
		pause_us(50);
	window_write(mailbox, request, request_bytes);
	store(mailbox, WEIR_REG_MAILBOX_REQUEST,
	      WEIR_PREP(WEIR_REG_MAILBOX_REQUEST_OPCODE, opcode) |
		      WEIR_PREP(WEIR_REG_MAILBOX_REQUEST_LENGTH, request_bytes));
	until_ms = now_ms() + COMMAND_TIMEOUT_MS;
	do {
		status = load(mailbox, WEIR_REG_MAILBOX_STATUS);
		if (status == UINT32_MAX || now_ms() > until_ms) {
			snprintf(card->error, sizeof(card->error),
				 "%s: the card does not answer; is its function in reset?",
				 card->name);
			store(mailbox, WEIR_REG_MAILBOX_OWNER, 0);
			return -ETIMEDOUT;
		}
		if (!(status & WEIR_REG_MAILBOX_STATUS_DONE_MASK))
			pause_us(50);
	} while (!(status & WEIR_REG_MAILBOX_STATUS_DONE_MASK));
	*response_bytes = WEIR_GET(WEIR_REG_MAILBOX_STATUS_LENGTH, status);
	if (*response_bytes > capacity || *response_bytes > mailbox->window_bytes)
		*response_bytes = 0;
	window_read(mailbox, response, *response_bytes);
	*detail = load(mailbox, WEIR_REG_MAILBOX_DETAIL);
	store(mailbox, WEIR_REG_MAILBOX_OWNER, 0);
	return (int)WEIR_GET(WEIR_REG_MAILBOX_STATUS_STATUS, status);
}

static int read_register(struct card *card, uint16_t function, uint32_t offset, uint32_t *value)
{
	if (function) {
		snprintf(card->error, sizeof(card->error),
			 "%s: give the VF's own PCI address to read its registers", card->name);
		return -EINVAL;
	}
	*value = load(card->private, offset);
	return 0;
}

static void close_mailbox(struct card *card)
{
	struct mailbox *mailbox = card->private;

	munmap((void *)(uintptr_t)mailbox->registers, WEIR_BAR_REGISTERS_PF_BYTES);
	free(mailbox);
}

int card_open_mailbox(struct card *card)
{
	static const struct card_ops ops = { command, read_register, close_mailbox };
	char path[128];
	int fd, error = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/resource0", card->name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		error = -errno;
		snprintf(card->error, sizeof(card->error), "%s: %s (root is needed)", path,
			 strerror(errno));
		return error;
	}
	struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

	mailbox->registers =
		mmap(NULL, WEIR_BAR_REGISTERS_PF_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (mailbox->registers == MAP_FAILED) {
		error = -errno;
		snprintf(
			card->error, sizeof(card->error),
			"%s: %s: the kernel keeps BAR0 for the driver %s; mount debugfs for the driver's own door, boot with iomem=relaxed, or unbind it",
			path, strerror(-error), card->driver);
		free(mailbox);
		return error;
	}
	card->private = mailbox;
	card->ops = &ops;
	if (load(mailbox, WEIR_REG_MAGIC) != WEIR_REG_MAGIC_VALUE) {
		snprintf(
			card->error, sizeof(card->error),
			"%s: BAR0 does not answer: enable memory decode (setpci -s %s COMMAND=6) or bind a driver",
			card->name, card->name);
		card_close(card);
		return -EIO;
	}
	mailbox->window = load(mailbox, WEIR_REG_MAILBOX_WINDOW);
	mailbox->window_bytes = load(mailbox, WEIR_REG_MAILBOX_WINDOW_BYTES);
	if (mailbox->window % 4 || mailbox->window_bytes > WEIR_BAR_REGISTERS_PF_BYTES ||
	    mailbox->window > WEIR_BAR_REGISTERS_PF_BYTES - mailbox->window_bytes) {
		snprintf(card->error, sizeof(card->error), "%s: the mailbox window is outside BAR0",
			 card->name);
		card_close(card);
		return -EIO;
	}
	return 0;
}
