/* SPDX-License-Identifier: BSD-3-Clause */
/* test-dpdk-datapath: the driver's bursts against a device that the tests play. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "datapath.h"

int main(int argc, char **argv)
{
	struct weir_test tests[64];
	size_t count = 0;
	int result;

	if (fake_start_dpdk()) {
		fprintf(stderr, "DPDK does not start: %s\n", rte_strerror(rte_errno));
		return 2;
	}
	for (size_t i = 0; i < receive_tests_count; i++)
		tests[count++] = receive_tests[i];
	for (size_t i = 0; i < receive_split_tests_count; i++)
		tests[count++] = receive_split_tests[i];
	for (size_t i = 0; i < transmit_tests_count; i++)
		tests[count++] = transmit_tests[i];
	for (size_t i = 0; i < gate_tests_count; i++)
		tests[count++] = gate_tests[i];
	result = weir_cunit_main(argc, argv, "dpdk_datapath", tests, count);
	rte_eal_cleanup();
	return result;
}
