/* SPDX-License-Identifier: MIT
 *
 * The overview store's file: records of any content, with the right checksum
 * where the first byte says so.
 */
#include "fuzz.h"
#include <tiffuse/overview.h>
#include <zlib.h>

enum { RECORDS = 3, RECORD_BYTES = 5000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TfOverviewPlan plan = {fuzz_folder(), "fuzz", 1 << 20, RECORDS, RECORD_BYTES};
	g_autofree char *path = g_strconcat(plan.folder, "/overview-", plan.fingerprint, NULL);
	g_autofree uint8_t *file = g_memdup2(data, size);
	struct {
		uint32_t magic, length, checksum, reserved;
	} head;
	if (size > 1 + sizeof head && data[0] & 1) {
		uint64_t record = 0;
		memcpy(&head, data + 1, sizeof head);
		head.length = MIN(head.length, (uint32_t)(size - 1 - sizeof head));
		uLong sum = crc32(0, (const Bytef *)&record, sizeof record);
		head.checksum = (uint32_t)crc32(sum, data + 1 + sizeof head, head.length);
		memcpy(file + 1, &head, sizeof head);
	}
	fuzz_assert(fuzz_write(path, size ? file + 1 : NULL, size ? size - 1 : 0));
	g_autoptr(GError) error = NULL;
	g_autoptr(TfOverview) overview = tf_overview_open(&plan, &error);
	fuzz_check_error(overview != NULL, error);
	for (uint64_t i = 0; i < RECORDS + 2; i++) {
		g_autoptr(GBytes) bytes = tf_overview_get(overview, i);
		fuzz_assert(!bytes || (i < RECORDS && g_bytes_get_size(bytes) <= RECORD_BYTES));
	}
	fuzz_assert(tf_overview_put(overview, 1, "right", 5, &error));
	g_autoptr(GBytes) back = tf_overview_get(overview, 1);
	fuzz_assert(back && g_bytes_get_size(back) == 5 && !memcmp(g_bytes_get_data(back, NULL), "right", 5));
	return 0;
}
