/* SPDX-License-Identifier: BSD-3-Clause */
/* A fuzzer's target without the fuzzer: runs the inputs that are files in the folders of the command line, each once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	static uint8_t data[1 << 20];
	size_t bytes;

	if (!file) {
		perror(path);
		exit(2);
	}
	bytes = fread(data, 1, sizeof(data), file);
	fclose(file);
	/* Said before it runs: a crash is told by name. */
	printf("# %s, %zu bytes\n", path, bytes);
	fflush(stdout);
	uint8_t *copy = malloc(bytes ? bytes : 1);

	memcpy(copy, data, bytes);
	LLVMFuzzerTestOneInput(copy, bytes);
	free(copy);
}

int main(int argc, char **argv)
{
	uint32_t count = 0;

	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);

		if (!folder) {
			perror(argv[i]);
			return 2;
		}
		for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
			char path[4096];

			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			run_file(path);
			count++;
		}
		closedir(folder);
	}
	printf("# %u inputs\n", count);
	return count ? 0 : 2;
}
