# SPDX-License-Identifier: BSD-3-Clause
# weirattachment: the functions of a card behind vfio-user sockets. Link it with weirsim, weirfw and vfiouser.
WEIR_ATTACHMENT_CFLAGS := -D_GNU_SOURCE -Ispecs/include -Ihwsim/include -Ivfio-user/include -Ihwsim/attach/vfio-user
$(eval $(call weir-library,weirattachment,$(addprefix hwsim/attach/vfio-user/,attachment.c access.c),$(WEIR_ATTACHMENT_CFLAGS)))
