/* SPDX-License-Identifier: MIT
 *
 * What is drawn over the small mosaic, and around it.
 */
#include "preview_private.h"

#include <math.h>
#include <string.h>

enum {
	MARGIN = 16,
	LINE = 22,          /* height of a line of text */
	TEXT_SCALE = 2,
	MIN_PAGE = 860,     /* the legend's width */
	MIN_OUTLINE = 5,    /* smaller sources would be nothing but outline */
	WHOLE_OUTLINE = 40, /* below that only the left and upper edge is drawn */
	COLOURED_OUTLINE = 60,
	MIN_MARK = 6,
	HATCH = 8,
};

static const TfInk paper = {22, 24, 28}, text_ink = {226, 228, 232}, dim_ink = {150, 154, 162};
static const TfInk hole_ink = {235, 60, 70}, overlap_ink = {255, 176, 0}, deep_ink = {255, 92, 0};
static const TfInk black = {0, 0, 0}, white = {255, 255, 255};
static const TfInk outline_inks[] = {{60, 210, 255}, {130, 255, 130}, {255, 140, 255}, {255, 255, 120}};

typedef struct {
	const TfPreview *preview;
	const TfPreviewOptions *options;
	TfPage *page;
	int left, top;   /* of the picture on the page */
	uint8_t *taken;  /* pixels of the picture under a number */
} Drawing;

static TfRect on_page(const Drawing *d, TfRect r)
{
	return (TfRect){r.x0 + d->left, r.y0 + d->top, r.x1 + d->left, r.y1 + d->top};
}

/* --- tints ----------------------------------------------------------------------- */

static void tint(Drawing *d, int x, int y)
{
	int32_t layers = d->preview->layers[(size_t)y * ((size_t)d->preview->width + 1) + (size_t)x];
	int px = x + d->left, py = y + d->top;
	if (layers == 0)
		tf_draw_pixel(d->page, px, py, hole_ink, (x + y) % HATCH < 2 ? 190 : 60);
	else if (layers > 1)
		tf_draw_pixel(d->page, px, py, layers == 2 ? overlap_ink : deep_ink, layers == 2 ? 85 : 120);
}

static void draw_mosaic(Drawing *d)
{
	const TfPreview *p = d->preview;
	for (int y = 0; y < p->height; y++) {
		uint8_t *to = d->page->rgb + 3 * ((size_t)(y + d->top) * (size_t)d->page->width + (size_t)d->left);
		memcpy(to, p->rgb + 3 * (size_t)y * (size_t)p->width, 3 * (size_t)p->width);
		for (int x = 0; x < p->width; x++)
			tint(d, x, y);
	}
}

/* --- outlines and numbers ------------------------------------------------------------ */

static void draw_outline(Drawing *d, uint32_t i, TfRect r)
{
	int64_t side = MIN(r.x1 - r.x0, r.y1 - r.y0);
	/* Where lines are dense, colours would only stain the picture. */
	TfInk ink = side >= COLOURED_OUTLINE ? outline_inks[i % G_N_ELEMENTS(outline_inks)] : outline_inks[0];
	TfRect at = on_page(d, r);
	if (side >= WHOLE_OUTLINE) {
		tf_draw_frame(d->page, at, side >= 160 ? 2 : 1, ink, 215);
	} else if (side >= MIN_OUTLINE) {
		int alpha = side >= 16 ? 130 : side >= 10 ? 90 : 60;
		tf_draw_box(d->page, (TfRect){at.x0, at.y0, at.x1, at.y0 + 1}, ink, alpha);
		tf_draw_box(d->page, (TfRect){at.x0, at.y0 + 1, at.x0 + 1, at.y1}, ink, alpha);
	}
}

static void draw_cross(Drawing *d, TfRect r)
{
	TfRect at = on_page(d, r);
	int64_t w = at.x1 - at.x0, h = at.y1 - at.y0, n = MAX(w, h);
	for (int64_t i = 0; i < n; i++)
		for (int k = -1; k <= 1; k++) {
			tf_draw_pixel(d->page, (int)(at.x0 + i * w / n) + k, (int)(at.y0 + i * h / n), hole_ink, 255);
			tf_draw_pixel(d->page, (int)(at.x1 - 1 - i * w / n) + k, (int)(at.y0 + i * h / n), hole_ink, 255);
		}
}

/* Is there no other number in the box, and none so near that they would hide
 * the picture?  Then it is taken. */
static bool take(Drawing *d, TfRect box)
{
	int width = d->preview->width;
	if (box.x0 < 0 || box.y0 < 0 || box.x1 > width || box.y1 > d->preview->height)
		return false;
	int64_t around_x = (box.x1 - box.x0) * 6 / 5, around_y = (box.y1 - box.y0) * 2;
	TfRect r = tf_rect_intersect((TfRect){box.x0 - around_x, box.y0 - around_y, box.x1 + around_x, box.y1 + around_y},
	                             (TfRect){0, 0, width, d->preview->height});
	for (int64_t y = r.y0; y < r.y1; y++)
		if (memchr(d->taken + y * width + r.x0, 1, (size_t)(r.x1 - r.x0)))
			return false;
	for (int64_t y = box.y0; y < box.y1; y++)
		memset(d->taken + y * width + box.x0, 1, (size_t)(box.x1 - box.x0));
	return true;
}

/* The largest size that fits a source of these sides, or -1. */
static int number_scale(const char *text, int64_t width, int64_t height)
{
	for (int scale = 4; scale >= 0; scale--) {
		int w = tf_text_width(text, scale) + 4, h = tf_text_height(scale) + 4;
		/* The smallest may stick out at its sides: numbers keep apart anyway. */
		bool roomy = scale > 1    ? w * 5 < width * 2 && h * 7 < height * 2
		             : scale == 1 ? w < width && h < height
		                          : w < 2 * width && h < height;
		if (roomy)
			return scale;
	}
	return -1;
}

static void draw_number(Drawing *d, uint32_t i, TfRect r)
{
	g_autofree char *text = g_strdup_printf("%u", i + 1);
	int scale = number_scale(text, r.x1 - r.x0, r.y1 - r.y0);
	if (scale < 0)
		return;
	int w = tf_text_width(text, scale), h = tf_text_height(scale), pad = MAX(scale, 1) + 1;
	int x = (int)((r.x0 + r.x1 - w) / 2), y = (int)((r.y0 + r.y1 - h) / 2);
	TfRect box = {x - pad, y - pad, x + w + pad, y + h + pad};
	if (!take(d, box))
		return;
	tf_draw_box(d->page, on_page(d, box), black, 150);
	tf_draw_text(d->page, x + d->left, y + d->top, text, scale, white);
}

static void draw_sources(Drawing *d)
{
	const TfPreview *p = d->preview;
	uint32_t n = tf_scene_n_placed(p->scene);
	for (uint32_t i = 0; i < n; i++)
		if (p->owns[i])
			draw_outline(d, i, tf_preview_rect(p, tf_scene_source_rect(p->scene, i)));
	for (uint32_t i = 0; i < n; i++) {
		TfRect r = tf_preview_rect(p, tf_scene_source_rect(p->scene, i));
		if (p->failed[i])
			draw_cross(d, r);
		if (p->owns[i])
			draw_number(d, i, r);
	}
}

static void draw_mark(Drawing *d, TfRect rect, TfInk ink)
{
	if (tf_rect_is_empty(rect))
		return;
	TfRect r = on_page(d, tf_preview_rect(d->preview, rect));
	if (MAX(r.x1 - r.x0, r.y1 - r.y0) < MIN_MARK)
		return;
	tf_draw_frame(d->page, (TfRect){r.x0 - 4, r.y0 - 4, r.x1 + 4, r.y1 + 4}, 2, black, 200);
	tf_draw_frame(d->page, (TfRect){r.x0 - 3, r.y0 - 3, r.x1 + 3, r.y1 + 3}, 2, ink, 255);
}

/* --- around the picture ---------------------------------------------------------------- */

static int draw_entry(Drawing *d, int x, int y, TfInk ink, bool framed, const char *text)
{
	TfRect swatch = {x, y, x + 18, y + 14};
	if (framed)
		tf_draw_frame(d->page, swatch, 2, ink, 255);
	else
		tf_draw_box(d->page, swatch, ink, 255);
	tf_draw_text(d->page, x + 26, y, text, TEXT_SCALE, text_ink);
	return x + 26 + tf_text_width(text, TEXT_SCALE) + 26;
}

static void draw_legend(Drawing *d, int y)
{
	int x = MARGIN;
	x = draw_entry(d, x, y, outline_inks[0], true, "source");
	x = draw_entry(d, x, y, overlap_ink, false, "overlap");
	x = draw_entry(d, x, y, deep_ink, false, "3 or more");
	x = draw_entry(d, x, y, hole_ink, false, "hole");
	x = draw_entry(d, x, y, overlap_ink, true, "largest overlap");
	draw_entry(d, x, y, hole_ink, true, "largest hole");
}

/* A round length of about a fifth of the picture. */
static void draw_scale_bar(Drawing *d, int y)
{
	double unit = d->options->pixel_um > 0 ? d->options->pixel_um : 1; /* per px of the mosaic */
	double wanted = d->preview->width / d->preview->scale * unit / 5;
	double power = pow(10, floor(log10(MAX(wanted, 1)))), length = power;
	for (double factor = 1; factor <= 5; factor += factor < 2 ? 1 : 3)
		if (factor * power <= wanted)
			length = factor * power;
	int64_t px = MAX(llround(length / unit * d->preview->scale), 1);
	const char *name = d->options->pixel_um <= 0 ? "px" : length >= 1000 ? "mm" : "um";
	g_autofree char *text =
	        g_strdup_printf("%g %s", d->options->pixel_um > 0 && length >= 1000 ? length / 1000 : length, name);
	tf_draw_box(d->page, (TfRect){MARGIN, y + 5, MARGIN + px, y + 9}, text_ink, 255);
	tf_draw_box(d->page, (TfRect){MARGIN, y, MARGIN + 2, y + 14}, text_ink, 255);
	tf_draw_box(d->page, (TfRect){MARGIN + px - 2, y, MARGIN + px, y + 14}, text_ink, 255);
	tf_draw_text(d->page, MARGIN + (int)px + 12, y, text, TEXT_SCALE, text_ink);
	static const char note[] = "numbers count the sources in their order";
	int x = d->page->width - MARGIN - tf_text_width(note, TEXT_SCALE);
	if (x > MARGIN + (int)px + 12 + tf_text_width(text, TEXT_SCALE) + 20)
		tf_draw_text(d->page, x, y, note, TEXT_SCALE, dim_ink);
}

/* A line that is too long ends with dots. */
static void draw_line(Drawing *d, int y, const char *text, TfInk ink)
{
	g_autofree char *line = g_strdup(text);
	int room = d->page->width - 2 * MARGIN;
	for (size_t n = strlen(line); n > 3 && tf_text_width(line, TEXT_SCALE) > room; n--)
		memcpy(line + n - 4, "...", 4);
	tf_draw_text(d->page, MARGIN, y, line, TEXT_SCALE, ink);
}

static int count_lines(const TfPreviewOptions *options)
{
	int n = 0;
	while (options->lines && options->lines[n])
		n++;
	return n;
}

bool tf_preview_compose(const TfPreview *preview, const TfPreviewOptions *options, const TfPreviewResult *result,
                        TfPage *page, GError **error)
{
	bool incomplete = result->n_late + result->n_failed > 0;
	int n_lines = count_lines(options) + incomplete, top = 2 * MARGIN + n_lines * LINE - MARGIN / 2;
	page->width = MAX(preview->width + 2 * MARGIN, MIN_PAGE);
	page->height = top + preview->height + MARGIN + 2 * LINE + MARGIN / 2;
	page->rgb = g_try_malloc(3 * (size_t)page->width * (size_t)page->height);
	g_autofree uint8_t *taken = g_try_malloc0((size_t)preview->width * (size_t)preview->height);
	if (!page->rgb || !taken) {
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "no memory for the preview");
		return false;
	}
	Drawing d = {preview, options, page, (page->width - preview->width) / 2, top, taken};
	tf_draw_box(page, (TfRect){0, 0, page->width, page->height}, paper, 255);
	for (int i = 0; i < count_lines(options); i++)
		draw_line(&d, MARGIN + i * LINE, options->lines[i], i == 0 ? text_ink : dim_ink);
	if (incomplete) {
		g_autofree char *text =
		        g_strdup_printf("%u images are not shown for lack of time, %u cannot be read", result->n_late,
		                        result->n_failed);
		draw_line(&d, MARGIN + (n_lines - 1) * LINE, text, overlap_ink);
	}
	draw_mosaic(&d);
	draw_sources(&d);
	draw_mark(&d, options->overlap, overlap_ink);
	draw_mark(&d, options->hole, hole_ink);
	draw_legend(&d, top + preview->height + MARGIN);
	draw_scale_bar(&d, top + preview->height + MARGIN + LINE);
	return true;
}
