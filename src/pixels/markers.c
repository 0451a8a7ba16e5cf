/* SPDX-License-Identifier: MIT */
#include "markers.h"

#include <string.h>

enum {
	SOF0 = 0xC0,
	DHT = 0xC4,
	RST0 = 0xD0,
	SOI = 0xD8,
	EOI = 0xD9,
	SOS = 0xDA,
	DQT = 0xDB,
	DRI = 0xDD,
	APP0 = 0xE0,
	APP14 = 0xEE,
	APP15 = 0xEF,
	COM = 0xFE,
};

enum { MAX_COMPONENTS = 3, MAX_TABLES = 4, SYMBOLS = 256, DC_SYMBOLS = 16 };

typedef struct {
	const TfImageInfo *info;
	const uint8_t *at, *end; /* what is still to be read */
	uint8_t *out;            /* or NULL */
	size_t kept;
	const char *reason;      /* the first, or NULL */
	bool has_frame;
	uint8_t id[MAX_COMPONENTS], quantiser[MAX_COMPONENTS];
	unsigned quantisers, dc_tables, ac_tables; /* a bit for each that is defined */
	unsigned restart_interval;
} Scan;

static bool refuse(Scan *scan, const char *reason)
{
	if (!scan->reason)
		scan->reason = reason;
	return false;
}

/* `from` may lie in `out`, further behind. */
static void keep(Scan *scan, const uint8_t *from, size_t length)
{
	if (scan->out)
		memmove(scan->out + scan->kept, from, length);
	scan->kept += length;
}

static unsigned two_bytes(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* --- segments: `at` is what follows the two bytes of the length --------------- */

static bool take_frame(Scan *scan, const uint8_t *at, size_t length)
{
	const TfImageInfo *info = scan->info;
	if (scan->has_frame)
		return refuse(scan, "two frames");
	if (info->bands != 1 && info->bands != MAX_COMPONENTS)
		return refuse(scan, "neither grey nor YCbCr");
	if (length != 6 + 3 * (size_t)info->bands || at[5] != info->bands)
		return refuse(scan, "a frame of other components");
	if (at[0] != 8)
		return refuse(scan, "not 8 bits per sample");
	if ((int32_t)two_bytes(at + 1) != info->height || (int32_t)two_bytes(at + 3) != info->width)
		return refuse(scan, "a frame of another size");
	for (int i = 0; i < info->bands; i++) {
		const uint8_t *component = at + 6 + 3 * i;
		bool is_luma = i == 0 && info->bands > 1;
		unsigned sampling = is_luma ? (unsigned)info->hsamp << 4 | info->vsamp : 0x11;
		scan->id[i] = component[0];
		scan->quantiser[i] = component[2];
		if (info->bands > 1 && component[0] != i + 1)
			return refuse(scan, "components that are not called 1, 2, 3");
		if (component[1] != sampling || component[2] >= MAX_TABLES)
			return refuse(scan, "another sampling");
	}
	scan->has_frame = true;
	return true;
}

static bool take_quantisers(Scan *scan, const uint8_t *at, size_t length)
{
	for (; length >= 65; at += 65, length -= 65) {
		if (at[0] >= MAX_TABLES) /* or of 16 bits */
			return refuse(scan, "a quantiser that baseline JPEG does not have");
		scan->quantisers |= 1U << at[0];
	}
	return length == 0 || refuse(scan, "a quantiser that is cut");
}

/* Do the numbers of codes of 1 to 16 bits make a prefix code?  Codes of ones
 * alone are left unused. */
static bool is_prefix_code(const uint8_t *counts)
{
	unsigned code = 0;
	for (int bits = 1; bits <= 16; bits++) {
		code = 2 * code + counts[bits - 1];
		if (code >= 1U << bits)
			return false;
	}
	return true;
}

/* A DC symbol is a number of bits. */
static bool are_symbols(unsigned class, const uint8_t *symbols, size_t n)
{
	for (size_t i = 0; class == 0 && i < n; i++)
		if (symbols[i] >= DC_SYMBOLS)
			return false;
	return n <= SYMBOLS;
}

static bool take_huffman(Scan *scan, const uint8_t *at, size_t length)
{
	while (length >= 17) {
		unsigned class = at[0] >> 4, table = at[0] & 15;
		size_t symbols = 0;
		for (int i = 1; i <= 16; i++)
			symbols += at[i];
		if (class > 1 || table > 1)
			return refuse(scan, "a Huffman table that baseline JPEG does not have");
		if (length < 17 + symbols || !is_prefix_code(at + 1) || !are_symbols(class, at + 17, symbols))
			return refuse(scan, "a Huffman table that makes no sense");
		*(class == 0 ? &scan->dc_tables : &scan->ac_tables) |= 1U << table;
		at += 17 + symbols;
		length -= 17 + symbols;
	}
	return length == 0 || refuse(scan, "a Huffman table that is cut");
}

static bool take_scan_header(Scan *scan, const uint8_t *at, size_t length)
{
	size_t n = scan->info->bands;
	if (!scan->has_frame)
		return refuse(scan, "a scan before its frame");
	if (length != 4 + 2 * n || at[0] != n)
		return refuse(scan, "not one scan over all components");
	for (size_t i = 0; i < n; i++) {
		unsigned tables = at[2 + 2 * i];
		if (at[1 + 2 * i] != scan->id[i])
			return refuse(scan, "a scan of other components than the frame's");
		if (!(scan->quantisers >> scan->quantiser[i] & 1) || !(scan->dc_tables >> (tables >> 4) & 1) ||
		    !(scan->ac_tables >> (tables & 15) & 1))
			return refuse(scan, "tables are missing");
	}
	const uint8_t *spectrum = at + 1 + 2 * n;
	return (spectrum[0] == 0 && spectrum[1] == 63 && spectrum[2] == 0) || refuse(scan, "a scan of some coefficients");
}

/* Without the Adobe marker, three components must mean what they mean with it. */
static bool is_adobe_rgb(const Scan *scan, unsigned marker, const uint8_t *at, size_t length)
{
	return marker == APP14 && length >= 12 && memcmp(at, "Adobe", 5) == 0 && scan->info->bands == 3 && at[11] != 1;
}

static bool take_segment(Scan *scan, unsigned marker, const uint8_t *at, size_t length)
{
	switch (marker) {
	case SOF0:
		return take_frame(scan, at, length);
	case DQT:
		return take_quantisers(scan, at, length);
	case DHT:
		return take_huffman(scan, at, length);
	case DRI:
		scan->restart_interval = length == 2 ? two_bytes(at) : 0;
		return length == 2 || refuse(scan, "a restart interval that makes no sense");
	case SOS:
		return take_scan_header(scan, at, length);
	default: /* also DNL, arithmetic coding, all other frames */
		return refuse(scan, "not baseline");
	}
}

/* One segment with its marker; *marker tells which it was. */
static bool read_segment(Scan *scan, unsigned *marker)
{
	const uint8_t *at = scan->at, *end = scan->end;
	if (at == end || *at != 0xFF)
		return refuse(scan, "no marker where one must be");
	while (at < end && *at == 0xFF) /* bytes that fill up belong to no segment */
		at++;
	if (end - at < 3)
		return refuse(scan, "the header is cut");
	*marker = at[0];
	if (*marker == 0 || *marker == 1 || (*marker >= RST0 && *marker <= EOI))
		return refuse(scan, "a marker without a segment in the header");
	size_t length = two_bytes(at + 1);
	if (length < 2 || length > (size_t)(end - at) - 1)
		return refuse(scan, "a segment that is longer than the file");
	scan->at = at + 1 + length;
	if ((*marker >= APP0 && *marker <= APP15) || *marker == COM)
		return !is_adobe_rgb(scan, *marker, at + 3, length - 2) || refuse(scan, "coded as RGB");
	if (!take_segment(scan, *marker, at + 3, length - 2))
		return false;
	keep(scan, at - 1, length + 2);
	return true;
}

/* --- the data of the scan ------------------------------------------------------- */

static uint64_t expected_restarts(const Scan *scan)
{
	const TfImageInfo *info = scan->info;
	int across = info->bands == 1 ? 8 : 8 * info->hsamp, down = info->bands == 1 ? 8 : 8 * info->vsamp;
	uint64_t units = (uint64_t)tf_ceil_div(info->width, across) * (uint64_t)tf_ceil_div(info->height, down);
	return scan->restart_interval ? (units - 1) / scan->restart_interval : 0;
}

static bool read_data(Scan *scan)
{
	const uint8_t *start = scan->at, *at = start;
	uint64_t restarts = 0;
	while ((at = memchr(at, 0xFF, (size_t)(scan->end - at))) && at + 1 < scan->end) {
		unsigned code = at[1];
		at += 2;
		if (code == 0)
			continue;
		if (code == EOI) {
			keep(scan, start, (size_t)(at - start));
			return restarts == expected_restarts(scan) || refuse(scan, "restart markers are missing");
		}
		if (code != RST0 + restarts % 8)
			return refuse(scan, "a marker inside the data");
		restarts++;
	}
	return refuse(scan, "no EOI");
}

size_t tf_markers_scan(const uint8_t *file, size_t length, const TfImageInfo *info, uint8_t *out,
                       const char **reason)
{
	Scan scan = {.info = info, .end = file + length, .out = out};
	unsigned marker = 0;
	bool ok = (length >= 2 && file[0] == 0xFF && file[1] == SOI) || refuse(&scan, "no SOI");
	if (ok) {
		keep(&scan, file, 2);
		scan.at = file + 2;
	}
	while (ok && marker != SOS)
		ok = read_segment(&scan, &marker);
	ok = ok && read_data(&scan);
	*reason = scan.reason;
	return ok ? scan.kept : 0;
}
