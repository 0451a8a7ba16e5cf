/* SPDX-License-Identifier: MIT
 *
 * TARGET FOLDER...: runs the target's function over every file of the
 * folders, as TAP.  For compilers without libFuzzer.
 */
#include "fuzz.h"

static int replay(const char *folder)
{
	int n = 0;
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL), *data = NULL;
		gsize size;
		if (!g_file_get_contents(path, &data, &size, NULL))
			continue;
		/* A copy of its exact size: what is read beyond it shows. */
		g_autofree uint8_t *exact = g_memdup2(data, size);
		fprintf(stderr, "%s\n", path);
		LLVMFuzzerTestOneInput(exact, size);
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	int n = 0;
	for (int i = 1; i < argc; i++)
		n += replay(argv[i]);
	printf("1..1\n%s 1 - %d inputs\n", n > 0 ? "ok" : "not ok", n);
	return n == 0;
}
