/* SPDX-License-Identifier: BSD-3-Clause */
/* Suite `device`: the ABI driven as a bus would, against the native home, the deferred one or the RISC-V image, whichever is linked. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t test_seed(void)
{
	const char *text = getenv("WEIR_TEST_SEED");

	return text ? strtoull(text, NULL, 0) : 20260;
}

struct host *test_card(uint16_t vfs, uint16_t queues, uint32_t buffer_bytes, bool shadow)
{
	struct host *host = host_create(vfs, test_seed());

	/* Without a cable the link is down, and vports with it. */
	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), queues, buffer_bytes, shadow));
	if (vfs)
		host_enable_vfs(host, vfs);
	for (uint16_t i = 1; i <= vfs; i++)
		WEIR_REQUIRE(
			host_up(&host->functions[i], test_mac(i), queues, buffer_bytes, shadow));
	host_settle(host);
	return host;
}

/* Test names are unique across suites: they say which home they ran in. */
static const char *room_of_home(void)
{
	if (strcmp(weirsim_home(), "hwsim") == 0)
		return "device";
	return strcmp(weirsim_home(), "riscv") == 0 ? "device_riscv" : "device_deferred";
}

int main(int argc, char **argv)
{
	const struct {
		const struct weir_test *tests;
		size_t count;
	} parts[] = {
#define PART(name) { name##_tests, name##_test_count }
		PART(data),	   PART(alike),	   PART(sorter),      PART(admin),
		PART(command),	   PART(counter),  PART(policy),      PART(interrupt),
		PART(badinput),	   PART(fault),	   PART(trace),	      PART(limit),
		PART(pcie),	   PART(reset),	   PART(reset_card),  PART(storm),
		PART(fair),	   PART(protocol), PART(moderation),  PART(moderation_random),
		PART(rss),	   PART(checksum), PART(verify),      PART(steer),
		PART(steer_table), PART(context),  PART(segment),     PART(time),
		PART(timestamp),   PART(flow),	   PART(vlan),	      PART(coalesce),
		PART(aggregate),   PART(split),	   PART(split_kinds), PART(low_latency),
		PART(hold),
	};
	static struct weir_test all[512];
	static char names[512][128];
	const char *room = room_of_home();
	size_t count = 0;

	printf("# home %s, seed %llu\n", weirsim_home(), (unsigned long long)test_seed());
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (size_t j = 0; j < parts[i].count; j++) {
			snprintf(names[count], sizeof(names[count]), "%s.%s", room,
				 parts[i].tests[j].name);
			all[count] = (struct weir_test){ names[count], parts[i].tests[j].run };
			count++;
		}
	}
	return weir_cunit_main(argc, argv, "device", all, count);
}
