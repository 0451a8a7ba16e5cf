/* SPDX-License-Identifier: MIT
 *
 * Renders crops of mktiles_picture.h: the ground, then the cells, crypts and
 * vessels on it, then the light through it and the sensor's noise.
 */
#pragma once
#include "mktiles_picture.h"

/* Things of one kind stand on a jittered grid; a draw function gets each one
 * whose centre may be near enough to touch the band. */
typedef void (*DrawFunc)(const Picture *p, Dyes *d, double x, double y, uint32_t random);

static inline void dyes_each(const Picture *p, Dyes *d, double pitch, double reach, float jitter,
			     uint32_t kind, DrawFunc draw)
{
	int64_t i0 = (int64_t)floor((d->x - reach) / pitch) - 1,
		i1 = (int64_t)ceil((d->x + d->width + reach) / pitch);
	int64_t j0 = (int64_t)floor((d->y - reach) / pitch) - 1,
		j1 = (int64_t)ceil((d->y + d->height + reach) / pitch);
	for (int64_t j = j0; j <= j1; j++)
		for (int64_t i = i0; i <= i1; i++) {
			uint32_t h = picture_hash(p->seed + kind, i, j), state = h;
			double x = (i + 0.5 * (j & 1) + jitter * picture_random(&state)) * pitch;
			double y = (j + jitter * picture_random(&state)) * pitch;
			if (x + reach >= d->x && y + reach >= d->y && x - reach < d->x + d->width &&
			    y - reach < d->y + d->height)
				draw(p, d, x, y, state);
		}
}

/* The rows and columns of the band that a thing covers. */
typedef struct {
	int x0, y0, x1, y1;
} Cover;

static inline Cover dyes_cover(const Dyes *d, double x, double y, double reach)
{
	Cover c = {(int)MAX(floor(x - reach) - d->x, 0), (int)MAX(floor(y - reach) - d->y, 0),
		   (int)MIN(ceil(x + reach) - d->x + 1, d->width),
		   (int)MIN(ceil(y + reach) - d->y + 1, d->height)};
	return c;
}

static inline void dyes_put(Dyes *d, int col, int row, float blue, float pink, float opacity)
{
	int at = row * d->width + col;
	d->blue[at] = mix(d->blue[at], blue, opacity);
	d->pink[at] = mix(d->pink[at], pink, opacity);
}

/* A nucleus: an ellipse, dark, with chromatin; long and thin in muscle. */
static inline void draw_nucleus(const Picture *p, Dyes *d, double x, double y, uint32_t random)
{
	float f[TISSUE_FIELDS];
	picture_anatomy(p, x, y, f);
	float muscle = f[TISSUE_RINGS] + f[TISSUE_POINTS];
	float skin = ramp(40 * p->scale, 20 * p->scale, f[TISSUE_EDGE]) * f[TISSUE_MUCOSA];
	float chance = 0.45f * f[TISSUE_MUCOSA] + 0.97f * f[TISSUE_LYMPH] - 0.35f * f[TISSUE_GERMINAL] +
		       0.13f * f[TISSUE_LOOSE] + 0.26f * muscle + 0.05f * f[TISSUE_FAT] + skin;
	if (f[TISSUE_EDGE] < 4 * p->scale || picture_random(&random) > chance)
		return;
	float stretch =
		1.1f + 0.4f * picture_random(&random) + 1.6f * f[TISSUE_RINGS] + 0.9f * f[TISSUE_LOOSE];
	float size = p->scale * (4.1f + 1.8f * picture_random(&random) + 1.4f * f[TISSUE_GERMINAL]);
	float angle = picture_random(&random) * (float)M_PI;
	if (f[TISSUE_RINGS] > 0.5f)
		angle = atan2f((float)(y - p->height / 2), (float)(x - p->width / 2)) + (float)M_PI / 2 +
			0.2f * (angle - 1.6f);
	float c = cosf(angle), s = sinf(angle), a = size * sqrtf(stretch), b = size / sqrtf(stretch);
	float dark = (0.62f + 0.4f * picture_random(&random) - 0.2f * f[TISSUE_GERMINAL]) * f[TISSUE_STAIN];
	Cover cover = dyes_cover(d, x, y, a + 1);
	for (int row = cover.y0; row < cover.y1; row++)
		for (int col = cover.x0; col < cover.x1; col++) {
			float dx = (float)(d->x + col - x), dy = (float)(d->y + row - y);
			float u = (dx * c + dy * s) / a, v = (dy * c - dx * s) / b, q = u * u + v * v;
			if (q > 1.3f)
				continue;
			float grain =
				picture_noise(p, (float)(d->x + col) / 2.3f, (float)(d->y + row) / 2.3f);
			float rim = 0.15f * ramp(0.4f, 0.9f, q);
			dyes_put(d, col, row, dark + rim + 0.16f * grain, 0.3f, 0.95f * ramp(1.3f, 0.7f, q));
		}
}

/* One pixel of a crypt; q is 1 on its border, `turn` 0 to 1 around it. */
static inline void draw_crypt_pixel(const Picture *p, Dyes *d, int col, int row, float q, float turn,
				    float fine)
{
	float cell = turn * 34, beside = fabsf(cell - floorf(cell) - 0.5f) * 2;
	float out = ramp(1.1f, 1.04f, q);
	if (q > 0.98f) {
		dyes_put(d, col, row, 0.08f, 0.3f + 0.1f * fine, 0.8f * out);
		return;
	}
	float across = (q - 0.87f + 0.05f * picture_noise(p, floorf(cell) * 3.7f, 9.5f)) / 0.1f;
	float nucleus = ramp(1.15f, 0.7f, across * across + beside * beside * 0.8f);
	float goblet = turn * 17, wall = ramp(0.72f, 0.95f, fabsf(goblet - floorf(goblet) - 0.5f) * 2);
	float mucin = ramp(0.78f, 0.7f, q) * (1 - wall);
	float blue = mix(0.24f, 0.15f, mucin) + 0.05f * fine, pink = mix(0.4f, 0.09f, mucin) + 0.05f * fine;
	float lumen = ramp(0.26f, 0.2f, q + 0.1f * fine);
	blue = mix(mix(blue, 0.85f + 0.18f * fine, nucleus), 0.02f, lumen);
	pink = mix(mix(pink, 0.3f, nucleus), 0.06f, lumen);
	dyes_put(d, col, row, blue, pink, out);
}

/* A crypt: a ring of nuclei, goblet cells full of mucus, a narrow lumen;
 * drawn out towards the inside of the bowel. */
static inline void draw_crypt(const Picture *p, Dyes *d, double x, double y, uint32_t random)
{
	float f[TISSUE_FIELDS];
	picture_anatomy(p, x, y, f);
	if (f[TISSUE_MUCOSA] < 0.85f || f[TISSUE_EDGE] < 90 * p->scale)
		return;
	float angle = atan2f((float)(y - p->height / 2), (float)(x - p->width / 2));
	angle += 0.7f * (picture_random(&random) - 0.5f);
	float a = p->scale * (58 + 34 * picture_random(&random)),
	      b = p->scale * (46 + 14 * picture_random(&random));
	float c = cosf(angle), s = sinf(angle), shape = 100 * picture_random(&random);
	Cover cover = dyes_cover(d, x, y, 1.3 * a);
	for (int row = cover.y0; row < cover.y1; row++)
		for (int col = cover.x0; col < cover.x1; col++) {
			float dx = (float)(d->x + col - x), dy = (float)(d->y + row - y);
			float u = (dx * c + dy * s) / a, v = (dy * c - dx * s) / b, q = sqrtf(u * u + v * v);
			if (q > 1.4f)
				continue;
			q *= 1 + 0.14f * picture_noise(p, shape + u / (q + 0.1f), shape + v / (q + 0.1f));
			if (q > 1.1f)
				continue;
			float px = (float)(d->x + col), py = (float)(d->y + row);
			float fine = picture_noise(p, px / (4.3f * p->scale), py / (4.3f * p->scale));
			draw_crypt_pixel(p, d, col, row, q, atan2f(v, u) / (2 * (float)M_PI) + 0.5f, fine);
		}
}

/* A vessel in the loose tissue or the fat, with red cells in it. */
static inline void draw_vessel(const Picture *p, Dyes *d, double x, double y, uint32_t random)
{
	float f[TISSUE_FIELDS];
	picture_anatomy(p, x, y, f);
	if (f[TISSUE_LOOSE] + f[TISSUE_FAT] < 0.95f || f[TISSUE_EDGE] < 100 * p->scale ||
	    picture_random(&random) > 0.6f)
		return;
	float size = picture_random(&random), r = p->scale * (34 + 95 * size * size),
	      wall = p->scale * (9 + 16 * size);
	float c = 1 + 0.4f * picture_random(&random), full = picture_random(&random), pitch = 11 * p->scale;
	Cover cover = dyes_cover(d, x, y, 1.25 * r * c);
	for (int row = cover.y0; row < cover.y1; row++)
		for (int col = cover.x0; col < cover.x1; col++) {
			float px = (float)(d->x + col), py = (float)(d->y + row);
			float dx = (float)(px - x) / c, dy = (float)(py - y);
			float at = sqrtf(dx * dx + dy * dy) + 0.2f * r * picture_noise(p, px / r, py / r);
			if (at > r)
				continue;
			float fine = picture_noise(p, px / (5 * p->scale), at / (3 * p->scale)),
			      in = ramp(r, r - 2, at);
			float inside = ramp(r - wall, r - wall - 2, at);
			dyes_put(d, col, row, mix(0.2f, 0.02f, inside),
				 mix(0.62f + 0.22f * fine, 0.03f, inside), in);
			int64_t i = (int64_t)floorf(px / pitch), j = (int64_t)floorf(py / pitch);
			uint32_t h = picture_hash(p->seed + 9, i, j);
			float ex = px - (i + 0.35f + 0.3f * (h & 255) / 255) * pitch,
			      ey = py - (j + 0.35f + 0.3f * (h >> 24) / 255) * pitch;
			bool there = (h >> 8 & 255) < 255 * full * full;
			if (there && inside > 0)
				d->blood[row * d->width + col] =
					inside * ramp(0.5f, 0.36f, sqrtf(ex * ex + ey * ey) / pitch);
		}
}

/* The anatomy changes slowly: computed on a lattice that is the same for all
 * crops, and interpolated. */
static inline void dyes_ground(const Picture *p, Dyes *d)
{
	int64_t i0 = d->x / PICTURE_LATTICE, j0 = d->y / PICTURE_LATTICE;
	int64_t cols = (d->x + d->width) / PICTURE_LATTICE - i0 + 2,
		rows = (d->y + d->height) / PICTURE_LATTICE - j0 + 2;
	g_autofree float *node = g_new(float, cols *rows *TISSUE_FIELDS);
	for (int64_t j = 0; j < rows; j++)
		for (int64_t i = 0; i < cols; i++)
			picture_anatomy(p, (i0 + i) * PICTURE_LATTICE, (j0 + j) * PICTURE_LATTICE,
					node + (j * cols + i) * TISSUE_FIELDS);
	for (int row = 0; row < d->height; row++) {
		int64_t j = (d->y + row) / PICTURE_LATTICE - j0;
		float ty = (float)((d->y + row) % PICTURE_LATTICE) / PICTURE_LATTICE;
		for (int col = 0; col < d->width; col++) {
			const float *a =
				node + (j * cols + (d->x + col) / PICTURE_LATTICE - i0) * TISSUE_FIELDS;
			const float *b = a + cols * TISSUE_FIELDS;
			float tx = (float)((d->x + col) % PICTURE_LATTICE) / PICTURE_LATTICE,
			      field[TISSUE_FIELDS];
			for (int k = 0; k < TISSUE_FIELDS; k++)
				field[k] = mix(mix(a[k], a[k + TISSUE_FIELDS], tx),
					       mix(b[k], b[k + TISSUE_FIELDS], tx), ty);
			int at = row * d->width + col;
			picture_ground(p, d->x + col, d->y + row, field, d->blue + at, d->pink + at);
			d->blood[at] = 0;
		}
	}
}

static inline uint8_t picture_light(const Picture *p, float white, float density, float noise)
{
	float light = white * p->transmission[(int)CLAMP(density * 512, 0, PICTURE_EXP - 1)];
	return (uint8_t)CLAMP(light + noise * (0.55f + light / 560) + 0.5f, 0, 255);
}

/* Noise of a pixel is the sum of bytes of a hash: near enough to a bell. */
static inline void dyes_expose(const Picture *p, const Dyes *d, uint8_t *rgb)
{
	for (int row = 0; row < d->height; row++)
		for (int col = 0; col < d->width; col++, rgb += 3) {
			int at = row * d->width + col;
			float h = d->blue[at], e = d->pink[at], b = d->blood[at];
			uint32_t n = picture_hash(p->seed + 3, d->x + col, d->y + row), m = n * 0x9e3779b1u;
			float amplitude = p->sensor_noise / 128;
			float luma = ((int)(n & 255) + (int)(n >> 8 & 255) + (int)(n >> 16 & 255) - 382) *
				     amplitude * 0.8f;
			float red = ((int)(m & 255) - 128) * amplitude * 0.6f,
			      cyan = ((int)(m >> 8 & 255) - 128) * amplitude * 0.6f;
			rgb[0] = picture_light(p, 243, 1.05f * h + 0.12f * e + 0.1f * b, luma + red);
			rgb[1] = picture_light(p, 240, 1.3f * h + 1.1f * e + 1.5f * b, luma);
			rgb[2] = picture_light(p, 244, 0.52f * h + 0.42f * e + 1.25f * b, luma + cyan);
		}
}

/* Renders [x, x+width) x [y, y+height) into packed RGB. */
static inline void picture_render(const Picture *p, int64_t x, int64_t y, int width, int height, uint8_t *rgb)
{
	size_t pixels = (size_t)width * MIN(height, PICTURE_BAND);
	g_autofree float *store = g_new(float, 3 * pixels);
	for (int row = 0; row < height; row += PICTURE_BAND) {
		Dyes d = {x,
			  y + row,
			  width,
			  MIN(PICTURE_BAND, height - row),
			  store,
			  store + pixels,
			  store + 2 * pixels};
		dyes_ground(p, &d);
		dyes_each(p, &d, 12.5 * p->scale, 20 * p->scale, 0.8f, 21, draw_nucleus);
		dyes_each(p, &d, 146 * p->scale, 140 * p->scale, 0.4f, 22, draw_crypt);
		dyes_each(p, &d, 520 * p->scale, 240 * p->scale, 0.8f, 23, draw_vessel);
		dyes_expose(p, &d, rgb + (size_t)3 * width * row);
	}
}
