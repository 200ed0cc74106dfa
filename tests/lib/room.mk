# SPDX-License-Identifier: BSD-3-Clause
# weircunit: what a C suite links with, besides -lcunit. For its CFLAGS: -Itests/lib
$(eval $(call weir-library,weircunit,tests/lib/weir_cunit.c,-Itests/lib))

# harness-sample: a suite whose tests pass, fail, skip, crash or end early, for the harness suite to look at
$(eval $(call weir-program,harness-sample,tests/lib/harness_sample.c,weircunit,-Itests/lib,-lcunit))
