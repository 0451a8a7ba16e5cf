/* SPDX-License-Identifier: MIT
 *
 * Drawing on a page of 8-bit RGB.  Everything is clipped to the page.
 */
#pragma once
#include <tiffuse/util.h>

typedef struct {
	int width, height;
	uint8_t *rgb;
} TfPage;

typedef struct {
	uint8_t r, g, b;
} TfInk;

/* alpha from 0 (nothing) to 255. */
void tf_draw_pixel(TfPage *page, int x, int y, TfInk ink, int alpha);
void tf_draw_box(TfPage *page, TfRect rect, TfInk ink, int alpha);
/* Along the inside of the rectangle. */
void tf_draw_frame(TfPage *page, TfRect rect, int thickness, TfInk ink, int alpha);

/* A font of our own, 5 x 7 in a cell of 6 x 8, times `scale`; capitals, digits
 * and some signs, all else is a '?'.  Scale 0 is 3 x 5 in a cell of 4 x 6, digits
 * only.  libvips' text would need fonts on the machine. */
int tf_text_width(const char *text, int scale);
int tf_text_height(int scale);
void tf_draw_text(TfPage *page, int x, int y, const char *text, int scale, TfInk ink);
