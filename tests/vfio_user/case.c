/* SPDX-License-Identifier: BSD-3-Clause */
#include "case.h"

#include <stdlib.h>
#include <unistd.h>

struct case_bench *case_begin(void)
{
	struct case_bench *c = calloc(1, sizeof(*c));

	WEIR_REQUIRE(c != NULL);
	bench_init(&c->bench);
	c->bench.config.limits.max_log_lines = 1000000;
	bench_start(&c->bench);
	c->memory = memory_fd(16 * 4096, true);
	c->fd = raw_connect_agreed(&c->bench);
	c->fds = open_fds();
	return c;
}

void case_end(struct case_bench *c)
{
	close(c->fd);
	close(c->memory);
	bench_end(&c->bench);
	free(c);
}

void *payload(struct case_bench *c)
{
	return c->raw.bytes + sizeof(struct vfu_header);
}

void case_expect_refused(struct case_bench *c, int error, enum vfu_fault fault, const char *file,
			 int line)
{
	unsigned int warnings = c->bench.log_warnings;
	struct vfu_server_stats before = bench_stats(&c->bench);
	struct vfu_server_stats after;
	int got = raw_exchange(&c->bench, c->fd, &c->raw, &c->reply);

	after = bench_stats(&c->bench);
	weir_cunit_check_equal(got, error, false, file, line, "the reply's error", "expected");
	for (int i = 0; i < VFU_FAULTS; i++)
		weir_cunit_check_equal((long long)(after.faults[i] - before.faults[i]),
				       i == (int)fault, false, file, line,
				       vfu_fault_name((enum vfu_fault)i), "faults counted");
	weir_cunit_check(c->bench.log_warnings == warnings + 1, false, file, line,
			 "one line was logged");
	weir_cunit_check(after.error_replies == before.error_replies + 1, false, file, line,
			 "one error reply was counted");
	weir_cunit_check_equal(open_fds(), c->fds, false, file, line, "open descriptors", "before");
	raw_region_read(&c->raw, VFU_REGION_CONFIG, 0, 4);
	got = raw_exchange(&c->bench, c->fd, &c->raw, &c->reply);
	weir_cunit_check_equal(got, 0, true, file, line, "a read afterwards", "works");
}

void case_expect_hangup(struct case_bench *c, int error, enum vfu_fault fault, const char *file,
			int line)
{
	uint64_t before = bench_stats(&c->bench).faults[fault];
	int got = raw_exchange(&c->bench, c->fd, &c->raw, &c->reply);

	weir_cunit_check_equal(got, error, false, file, line, "the reply's error", "expected");
	weir_cunit_check(raw_is_closed(&c->bench, c->fd), false, file, line, "hung up on");
	weir_cunit_check_equal((long long)(bench_stats(&c->bench).faults[fault] - before), 1, false,
			       file, line, vfu_fault_name(fault), "faults counted");
	weir_cunit_check(c->bench.gone_reason == VFU_GONE_PROTOCOL, false, file, line,
			 "gone for its protocol");
	close(c->fd);
	/* The next one is served. */
	c->fd = raw_connect_agreed(&c->bench);
	weir_cunit_check_equal(open_fds(), c->fds, false, file, line, "open descriptors", "before");
}
