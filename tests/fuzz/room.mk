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
weir-fuzzer-library = $(foreach v,fuzz fuzz-coverage,$(eval $(call weir-library-variant,$(v),$(strip $(1)),$(2),$(3))))

$(eval $(call weir-fuzzer,vfio_user,$(VFIO_USER_SERVER_SRCS) $(VFIO_USER_COMMON_SRCS),\
	-D_GNU_SOURCE $(VFIO_USER_CFLAGS) -Ivfio-user/src -include tests/fuzz/vfio_user_memory.h,$(VFIO_USER_LDLIBS)))

# The device: a card in process, and the bench's host around it, in both homes of the firmware: NAME, and NAME-deferred, where the hardware
# answers late and in any order. Only the firmware guides the fuzzer: it is what the inputs are for, and tracing the model's comparisons
# as well would take most of the time.
FUZZ_CARD_CFLAGS := -D_GNU_SOURCE -Ispecs/include -Ihwsim/include -Itests/lib -Itests/device -Itests/fuzz
FUZZ_CARD_SRCS := tests/fuzz/card.c $(wildcard tests/device/host*.c) tests/device/packets.c

# weir-fuzz-home(SUFFIX,SOURCES OF THE MODEL,BOARD)
define weir-fuzz-home
$(call weir-fuzzer-library,fuzz-firmware$(1),$(WEIRFW_SOURCES),$(WEIRFW_CFLAGS) -Ifirmware/boards/$(3) -Ihwsim/src)
$(call weir-fuzzer-library,fuzz-card$(1),$(2) $(FUZZ_CARD_SRCS),$(WEIRSIM_CFLAGS) -Ifirmware/boards/$(3) $(FUZZ_CARD_CFLAGS) \
	-include tests/fuzz/card_memory.h -fno-sanitize=fuzzer)
endef
$(eval $(call weir-fuzz-home,,$(WEIRSIM_NATIVE),hwsim))
$(eval $(call weir-fuzz-home,-deferred,$(WEIRSIM_DEFERRED),hwsim-deferred))

# The same targets without the fuzzer, to run their corpora again: build/asan/bin/fuzz-replay-NAME FOLDER...
# weir-card-fuzzer(NAME,SUFFIX): of tests/fuzz/NAME_*.c
define weir-card-fuzzer
$(foreach v,fuzz fuzz-coverage,$(eval $(call weir-linked-variant,$(v),$(1)$(2),bin/$(1)$(2),\
	$(wildcard tests/fuzz/$(1)_*.c),fuzz-firmware$(2) fuzz-card$(2),$(FUZZ_CARD_CFLAGS),-lpcap,)))
$(eval $(call weir-program,fuzz-replay-$(1)$(2),$(wildcard tests/fuzz/$(1)_*.c) tests/fuzz/replay.c $(FUZZ_CARD_SRCS),\
	weirsim$(2) weirfw$(2),$(FUZZ_CARD_CFLAGS),-lpcap))
FUZZERS += $(1)$(2)
endef
CARD_FUZZERS := admin descriptors parser
$(foreach name,$(CARD_FUZZERS),$(foreach home,native -deferred,$(eval $(call weir-card-fuzzer,$(name),$(home:native=)))))

# And the vfio-user server's.
$(eval $(call weir-program,fuzz-replay-vfio_user,tests/fuzz/vfio_user_fuzz.c tests/fuzz/replay.c $(VFIO_USER_SERVER_SRCS) $(VFIO_USER_COMMON_SRCS),,\
	-D_GNU_SOURCE $(VFIO_USER_CFLAGS) -Ivfio-user/src -include tests/fuzz/vfio_user_memory.h,$(VFIO_USER_LDLIBS)))

# All of them; last, since FUZZERS is read here.
.PHONY: fuzzers
fuzzers: $(foreach name,$(FUZZERS),$(BUILD)/fuzz/bin/$(name) $(BUILD)/fuzz-coverage/bin/$(name))
