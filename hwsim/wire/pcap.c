/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A wire of capture files: what is in one file arrives, what leaves is recorded in another (nanosecond pcap). Files are
 * not trusted: libpcap checks their format, and records that are no whole Ethernet frames are left out and counted.
 */
#include "sim.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES 4096

struct pcap_wire {
	struct sim_port *port;
	struct weirsim *sim;
	char in_path[PATH_BYTES], out_path[PATH_BYTES];
	bool recorded_rate, loop;

	pcap_t *in; /* NULL: nothing to replay, or no more */
	struct pcap_pkthdr header;
	const u_char *next; /* read, but not given to the port yet; NULL: none */
	uint64_t start_ns;  /* card's time of the first frame of this round */
	uint64_t first_ns;  /* its time in the file */
	uint64_t last_due_ns;
	bool first_known;
	uint64_t round_frames; /* given to the port in this round */
	uint64_t left_out;

	pcap_t *out;
	pcap_dumper_t *dump;
	uint64_t epoch_ns; /* of the card's time 0 */
	bool unflushed, failed;
	uint8_t frame[CARD_WIRE_MAX_BYTES];
};

static uint64_t stamp_ns(const struct pcap_pkthdr *header)
{
	/* The file is opened for nanoseconds: tv_usec holds them. */
	return (uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec;
}

/* Opens the file to replay, from its start. */
static int open_in(struct pcap_wire *wire)
{
	char message[PCAP_ERRBUF_SIZE];
	struct stat status;
	FILE *file;
	int fd, error;

	fd = open(wire->in_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status)) {
		error = -errno;
		sim_log(wire->sim, WEIR_LOG_LEVEL_ERROR, "pcap: %.180s: %s", wire->in_path,
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return error;
	}
	if (!S_ISREG(status.st_mode)) {
		sim_log(wire->sim, WEIR_LOG_LEVEL_ERROR, "pcap: %.180s: not a file", wire->in_path);
		close(fd);
		return -EINVAL;
	}
	file = fdopen(fd, "rb");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	wire->in =
		pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, message);
	if (!wire->in) {
		sim_log(wire->sim, WEIR_LOG_LEVEL_ERROR, "pcap: %.100s: %.120s", wire->in_path,
			message);
		fclose(file);
		return -EINVAL;
	}
	if (pcap_datalink(wire->in) != DLT_EN10MB) {
		sim_log(wire->sim, WEIR_LOG_LEVEL_ERROR,
			"pcap: %.180s: link type %d, not Ethernet (1)", wire->in_path,
			pcap_datalink(wire->in));
		pcap_close(wire->in);
		wire->in = NULL;
		return -EINVAL;
	}
	wire->first_known = false;
	wire->round_frames = 0;
	return 0;
}

static void close_in(struct pcap_wire *wire)
{
	if (wire->in)
		pcap_close(wire->in);
	wire->in = NULL;
	wire->next = NULL;
}

static int open_out(struct pcap_wire *wire)
{
	struct timespec now;

	wire->out = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, CARD_WIRE_MAX_BYTES,
							 PCAP_TSTAMP_PRECISION_NANO);
	if (!wire->out)
		return -ENOMEM;
	wire->dump = pcap_dump_open(wire->out, wire->out_path);
	if (!wire->dump) {
		sim_log(wire->sim, WEIR_LOG_LEVEL_ERROR, "pcap: %.200s", pcap_geterr(wire->out));
		return -EIO;
	}
	/* Under virtual time a recording depends on nothing but the card: its epoch is 0. */
	if (!wire->sim->config.virtual_time) {
		clock_gettime(CLOCK_REALTIME, &now);
		wire->epoch_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec -
				 card_now_ns(&wire->sim->hal);
	}
	return 0;
}

/* The file has no more. Begins again if it shall and can. */
static void end_of_round(struct pcap_wire *wire, int result)
{
	uint64_t frames = wire->round_frames;

	if (result == PCAP_ERROR)
		sim_log(wire->sim, WEIR_LOG_LEVEL_ERROR, "pcap: %.100s: %.120s", wire->in_path,
			pcap_geterr(wire->in));
	sim_log(wire->sim, WEIR_LOG_LEVEL_INFO, "pcap: %.150s: %llu frames replayed, %llu left out",
		wire->in_path, (unsigned long long)frames, (unsigned long long)wire->left_out);
	close_in(wire);
	/* A file without a usable frame would be read for ever. */
	if (wire->loop && frames && result != PCAP_ERROR)
		open_in(wire);
}

/* Reads on to the next record that is a whole frame. */
static void read_next(struct pcap_wire *wire)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	/* Records that are left out cost time too. */
	uint32_t budget = 64;

	while (wire->in && !wire->next && budget--) {
		int result = pcap_next_ex(wire->in, &header, &data);

		if (result != 1) {
			end_of_round(wire, result);
			return;
		}
		if (header->caplen != header->len || header->caplen < WEIR_MIN_FRAME_BYTES ||
		    header->caplen > CARD_WIRE_MAX_BYTES) {
			if (!wire->left_out++)
				sim_log(wire->sim, WEIR_LOG_LEVEL_WARNING,
					"pcap: %.100s: a record of %u of %u bytes is no whole frame: left out, as others like it",
					wire->in_path, header->caplen, header->len);
			continue;
		}
		wire->header = *header;
		wire->next = data;
		if (!wire->first_known) {
			wire->first_known = true;
			wire->first_ns = stamp_ns(header);
			wire->start_ns = wire->last_due_ns = card_now_ns(&wire->sim->hal);
		}
	}
}

/* When the frame at hand arrives. */
static uint64_t due_ns(const struct pcap_wire *wire)
{
	uint64_t stamp = stamp_ns(&wire->header);
	uint64_t due = stamp > wire->first_ns ? wire->start_ns + (stamp - wire->first_ns) : 0;

	if (!wire->recorded_rate)
		return 0;
	/* Times that go back, or overflow, are those of the frame before. */
	return due < wire->last_due_ns ? wire->last_due_ns : due;
}

static void flush_dump(struct pcap_wire *wire)
{
	if (!wire->unflushed || wire->failed)
		return;
	wire->unflushed = false;
	if (pcap_dump_flush(wire->dump)) {
		wire->failed = true;
		sim_log(wire->sim, WEIR_LOG_LEVEL_ERROR, "pcap: %.150s: %s", wire->out_path,
			strerror(errno));
	}
}

static uint32_t pcap_wire_poll(void *state, uint32_t budget)
{
	struct pcap_wire *wire = state;
	uint32_t done = 0;

	while (done < budget && sim_port_has_room(wire->port)) {
		struct iovec iov;

		read_next(wire);
		if (!wire->next || due_ns(wire) > wire->sim->hal.time_ns || !wire->port->card->up)
			break;
		wire->last_due_ns = due_ns(wire);
		iov.iov_base = (void *)wire->next;
		iov.iov_len = wire->header.caplen;
		sim_port_deliver(wire->port, &iov, 1);
		wire->next = NULL;
		wire->round_frames++;
		done++;
	}
	/* When there is time, whoever follows the file sees it grow. */
	if (!done)
		flush_dump(wire);
	return done;
}

static uint64_t pcap_wire_next_ns(void *state)
{
	struct pcap_wire *wire = state;

	if (wire->unflushed && !wire->failed)
		return 0;
	if (!wire->in || !wire->port->card->up)
		return UINT64_MAX;
	return wire->next ? due_ns(wire) : 0;
}

static int pcap_wire_transmit(void *state, const struct iovec *iov, int count)
{
	struct pcap_wire *wire = state;
	uint64_t now_ns;
	struct pcap_pkthdr header;
	size_t bytes = sim_iov_bytes(iov, count);

	if (!wire->dump)
		return 0;
	if (wire->failed)
		return -EIO;
	now_ns = wire->epoch_ns + card_now_ns(&wire->sim->hal);
	header.ts.tv_sec = (time_t)(now_ns / 1000000000u);
	header.ts.tv_usec = (suseconds_t)(now_ns % 1000000000u);
	header.caplen = header.len = (bpf_u_int32)bytes;
	sim_iov_copy(wire->frame, iov, count);
	pcap_dump((u_char *)wire->dump, &header, wire->frame);
	wire->unflushed = true;
	if (ferror(pcap_dump_file(wire->dump))) {
		wire->failed = true;
		sim_log(wire->sim, WEIR_LOG_LEVEL_ERROR, "pcap: %.150s: cannot be written",
			wire->out_path);
		return -EIO;
	}
	return 0;
}

static void pcap_wire_close(void *state)
{
	struct pcap_wire *wire = state;

	close_in(wire);
	if (wire->dump) {
		flush_dump(wire);
		pcap_dump_close(wire->dump);
	}
	if (wire->out)
		pcap_close(wire->out);
	free(wire);
}

static const struct sim_wire pcap_wire = {
	.name = "pcap",
	.transmit = pcap_wire_transmit,
	.poll = pcap_wire_poll,
	.next_ns = pcap_wire_next_ns,
	.close = pcap_wire_close,
};

/* One of the options between commas. */
static int take_option(struct pcap_wire *wire, const char *option, size_t length)
{
	struct {
		const char *name;
		char *path;
	} files[] = { { "in=", wire->in_path }, { "out=", wire->out_path } };

	for (size_t i = 0; i < SIM_ARRAY_SIZE(files); i++) {
		size_t name = strlen(files[i].name);

		if (length <= name || memcmp(option, files[i].name, name) ||
		    length - name >= PATH_BYTES)
			continue;
		memcpy(files[i].path, option + name, length - name);
		files[i].path[length - name] = '\0';
		return 0;
	}
	if (length == 13 && !memcmp(option, "rate=recorded", length)) {
		wire->recorded_rate = true;
	} else if (length == 9 && !memcmp(option, "rate=full", length)) {
		wire->recorded_rate = false;
	} else if (length == 4 && !memcmp(option, "loop", length)) {
		wire->loop = true;
	} else {
		sim_log(wire->sim, WEIR_LOG_LEVEL_ERROR,
			"pcap: \"%.*s\" is no option (in=FILE, out=FILE, rate=recorded, rate=full, loop)",
			length < 100 ? (int)length : 100, option);
		return -EINVAL;
	}
	return 0;
}

int sim_wire_open_pcap(struct sim_port *port, const char *options)
{
	struct pcap_wire *wire = calloc(1, sizeof(*wire));
	int error = 0;

	if (!wire)
		return -ENOMEM;
	wire->port = port;
	wire->sim = port->sim;
	wire->recorded_rate = true;
	while (*options && !error) {
		size_t length = strcspn(options, ",");

		error = take_option(wire, options, length);
		options += length + (options[length] == ',');
	}
	if (!error && !*wire->in_path && !*wire->out_path) {
		sim_log(wire->sim, WEIR_LOG_LEVEL_ERROR, "pcap: needs in=FILE, out=FILE or both");
		error = -EINVAL;
	}
	if (!error && *wire->in_path)
		error = open_in(wire);
	if (!error && *wire->out_path)
		error = open_out(wire);
	if (error) {
		pcap_wire_close(wire);
		return error;
	}
	sim_port_attach(port, &pcap_wire, wire, true);
	return 0;
}
