# SPDX-License-Identifier: BSD-3-Clause
# The generated ABI headers are committed; this rule refreshes them when the yaml changes.
GENERATED := specs/include/weir/weir_abi.h specs/include/weir/weir_tables.h \
	specs/include/weir/weir_config_space.h specs/registers.md

$(GENERATED) &: specs/weir.yaml specs/generate.py
	$(Q)/usr/bin/python3 specs/generate.py
	$(Q)touch $(GENERATED)
