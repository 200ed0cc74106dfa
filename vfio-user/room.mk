# SPDX-License-Identifier: BSD-3-Clause
# The vfio-user protocol, server and client. Programs that use it: LIBS vfiouser, CFLAGS $(VFIO_USER_CFLAGS), LDLIBS
# $(VFIO_USER_LDLIBS).
VFIO_USER_CFLAGS := -Ivfio-user/include
VFIO_USER_LDLIBS := -ljansson -lpthread

VFIO_USER_SERVER_SRCS := $(addprefix vfio-user/src/,server.c server_create.c server_listen.c server_stream.c \
	server_messages.c server_dma.c server_irq.c sigbus.c)
VFIO_USER_CLIENT_SRCS := $(addprefix vfio-user/src/,client.c client_device.c)
VFIO_USER_COMMON_SRCS := $(addprefix vfio-user/src/,transport.c capabilities.c)

$(eval $(call weir-library,vfiouser,$(VFIO_USER_SERVER_SRCS) $(VFIO_USER_CLIENT_SRCS) $(VFIO_USER_COMMON_SRCS),\
	-D_GNU_SOURCE $(VFIO_USER_CFLAGS)))
