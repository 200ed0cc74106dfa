# SPDX-License-Identifier: BSD-3-Clause
# libFuzzer targets. One line makes a target of tests/fuzz/NAME_fuzz.c (with what it needs compiled in, not linked, so that
# all of it is instrumented); its corpus is tests/fuzz/corpus/NAME, and tests/fuzz/run.py runs it:
#
#	$(eval $(call weir-fuzzer,NAME,SRCS,CFLAGS,LDLIBS))    build/fuzz/bin/NAME            ASan, UBSan
#	                                                       build/fuzz-coverage/bin/NAME   counts lines
FUZZERS :=

CC_fuzz := $(CLANG)
CFLAGS_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
LDFLAGS_fuzz := -fsanitize=fuzzer,address,undefined
CC_fuzz-coverage := $(CLANG)
CFLAGS_fuzz-coverage := -O1 -g -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping
LDFLAGS_fuzz-coverage := -fsanitize=fuzzer -fprofile-instr-generate

define weir-fuzzer
$(foreach v,fuzz fuzz-coverage,$(eval $(call weir-linked-variant,$(v),$(strip $(1)),bin/$(strip $(1)),\
	tests/fuzz/$(strip $(1))_fuzz.c $(2),,$(3),$(4),)))
FUZZERS += $(strip $(1))
endef

$(eval $(call weir-fuzzer,vfio_user,$(VFIO_USER_SERVER_SRCS) $(VFIO_USER_COMMON_SRCS),\
	-D_GNU_SOURCE $(VFIO_USER_CFLAGS) -Ivfio-user/src -include tests/fuzz/vfio_user_memory.h,$(VFIO_USER_LDLIBS)))

# All of them; last, since FUZZERS is read here.
.PHONY: fuzzers
fuzzers: $(foreach name,$(FUZZERS),$(BUILD)/fuzz/bin/$(name) $(BUILD)/fuzz-coverage/bin/$(name))
