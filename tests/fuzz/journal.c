/* SPDX-License-Identifier: MIT
 *
 * The journal of an export.  The first byte says whether the rest is the file,
 * or the payloads of records (each a length of two bytes and as many bytes)
 * that get their frames and checksums here.
 */
#include "../../src/engine/export_private.h"
#include "fuzz.h"

enum { TILES = 200, FIRST_OFFSET = 4096 };

static void add_record(GByteArray *out, const uint8_t *payload, uint32_t length)
{
	const uint32_t head[2] = {0x4a664954, length};
	uint8_t sum[32];
	gsize n = sizeof sum;
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	g_checksum_update(checksum, payload, length);
	g_checksum_get_digest(checksum, sum, &n);
	g_byte_array_append(out, (const uint8_t *)head, sizeof head);
	g_byte_array_append(out, sum, sizeof sum);
	g_byte_array_append(out, payload, length);
}

static GByteArray *compose(const uint8_t *data, size_t size)
{
	GByteArray *out = g_byte_array_new();
	if (size == 0 || !(data[0] & 1))
		return g_byte_array_append(out, data + (size > 0), (guint)(size - (size > 0)));
	add_record(out, (const uint8_t *)"head\nabout", 10);
	FuzzInput input = {data + 1, size - 1};
	while (input.left > 2) {
		size_t length = fuzz_number(&input, 2);
		length = MIN(length, input.left);
		add_record(out, input.at, (uint32_t)length);
		input.at += length;
		input.left -= length;
	}
	return out;
}

static void check(const TfExportTable *table)
{
	uint64_t end = FIRST_OFFSET;
	fuzz_assert(table->n_known <= TILES);
	for (uint64_t i = 0; i < table->n_known; i++) {
		fuzz_assert(tf_export_table_offset(table, i) == end);
		end = tf_export_align(end + table->counts[i]);
	}
	fuzz_assert(table->end == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *path = g_build_filename(fuzz_folder(), "export.tif", NULL);
	g_autofree char *journal_path = g_strconcat(path, ".tiffuse-journal", NULL);
	g_autoptr(GByteArray) file = compose(data, size);
	g_auto(TfExportTable) table = {0};
	g_autoptr(GError) error = NULL;
	unlink(path);
	/* Now and then the file that the journal speaks of is there, sparse. */
	if (size > 3 && data[0] & 2) {
		fuzz_assert(fuzz_write(path, NULL, 0));
		fuzz_assert(truncate(path, data[0] & 4 ? INT64_C(1) << 40 : 5000) == 0);
	}
	fuzz_assert(fuzz_write(journal_path, file->data, file->len));
	fuzz_assert(tf_export_table_init(&table, TILES, FIRST_OFFSET, NULL));
	TfExportOptions options = {.path = path};
	g_autoptr(TfExportJournal) journal = tf_export_journal_open(&options, "head\nabout", &table, &error);
	fuzz_check_error(journal != NULL, error);
	if (journal)
		check(&table);
	return 0;
}
