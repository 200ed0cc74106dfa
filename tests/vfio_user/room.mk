# SPDX-License-Identifier: BSD-3-Clause
# The tests of vfio-user/.
$(eval $(call weir-program,test-vfio-user,$(addprefix tests/vfio_user/,main.c bench.c case.c test_device.c test_memory.c test_unmap.c \
	test_irq.c test_agreement.c test_messages.c test_descriptors.c test_socket.c test_life.c test_client.c \
	test_client_life.c),vfiouser weircunit,\
	-D_GNU_SOURCE $(VFIO_USER_CFLAGS) -Itests/lib,$(VFIO_USER_LDLIBS) -lcunit))
