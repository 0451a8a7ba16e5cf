/* SPDX-License-Identifier: MIT
 *
 * A picture without a file: a stained section through a bowel, as a
 * microscope would see it, of any size.  The value of a pixel depends on
 * nothing but its coordinates, the picture's size and the seed, so each tile
 * of a mosaic is rendered by itself and still fits its neighbours.
 *
 * Colours come from the amounts of three dyes (Beer-Lambert), because mixing
 * RGB by hand never looks like a stain.  Small things (nuclei, crypts,
 * vessels) are drawn one by one in raster order of a jittered grid: each
 * pixel sees the same things in the same order whatever the crop.  Testing
 * all neighbours for each pixel gave the same picture five times slower.
 */
#pragma once
#include <glib.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	PICTURE_NOISE = 256,  /* side of the periodic table of random values */
	PICTURE_LATTICE = 16, /* px between computed values of the anatomy */
	PICTURE_BAND = 128,   /* rows rendered at once: stays in the cache */
	PICTURE_FOLLICLES = 12,
	PICTURE_EXP = 2048 /* entries of the table of transmissions */
};

/* The tissue at a place.  Weights are 0 to 1. */
enum {
	TISSUE_EDGE, /* px from the edge of the tissue, negative on bare glass */
	TISSUE_MUCOSA,
	TISSUE_LYMPH,
	TISSUE_GERMINAL, /* the pale centre of a lymph follicle */
	TISSUE_LOOSE,
	TISSUE_RINGS,  /* muscle cut lengthwise */
	TISSUE_POINTS, /* muscle cut across */
	TISSUE_FAT,
	TISSUE_RADIUS, /* px from the centre, measured in the muscle's curvature */
	TISSUE_STAIN,  /* how strongly the dyes took, about 1 */
	TISSUE_FIELDS
};

typedef struct {
	float u, v, radius;
} Follicle;

typedef struct {
	double width, height; /* px */
	double half;          /* half of the shorter side, px */
	float aspect_x, aspect_y;
	float scale; /* size of small things; 1 from 7000 px up */
	float sensor_noise;
	uint32_t seed;
	Follicle follicle[PICTURE_FOLLICLES];
	float noise[PICTURE_NOISE * PICTURE_NOISE];
	float transmission[PICTURE_EXP];
} Picture;

/* The dyes of a band while it is drawn. */
typedef struct {
	int64_t x, y;
	int width, height;
	float *blue, *pink, *blood;
} Dyes;

static inline uint32_t picture_hash(uint32_t seed, int64_t x, int64_t y)
{
	uint32_t h = seed ^ (uint32_t)x * 0x9e3779b1u ^ (uint32_t)y * 0x85ebca77u;
	h = (h ^ (h >> 15)) * 0x2c1b3c6du;
	h = (h ^ (h >> 12)) * 0x297a2d39u;
	return h ^ (h >> 15);
}

/* Successive values in [0, 1). */
static inline float picture_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return (float)(*state >> 8) / 16777216.0f;
}

static inline float mix(float a, float b, float t)
{
	return a + (b - a) * t;
}

static inline float ramp(float from, float to, float value)
{
	float t = (value - from) / (to - from);
	t = t < 0 ? 0 : t > 1 ? 1 : t;
	return t * t * (3 - 2 * t);
}

/* Value noise in [-1, 1], one random value per unit, period PICTURE_NOISE. */
static inline float picture_noise(const Picture *p, float x, float y)
{
	float fx = floorf(x), fy = floorf(y);
	int x0 = (int)fx & (PICTURE_NOISE - 1), x1 = (x0 + 1) & (PICTURE_NOISE - 1);
	int y0 = (int)fy & (PICTURE_NOISE - 1), y1 = (y0 + 1) & (PICTURE_NOISE - 1);
	float tx = x - fx, ty = y - fy;
	tx = tx * tx * (3 - 2 * tx);
	ty = ty * ty * (3 - 2 * ty);
	const float *r0 = p->noise + y0 * PICTURE_NOISE, *r1 = p->noise + y1 * PICTURE_NOISE;
	return mix(mix(r0[x0], r0[x1], tx), mix(r1[x0], r1[x1], tx), ty);
}

static inline float picture_octaves(const Picture *p, float x, float y, int octaves)
{
	float sum = 0, amplitude = 0.6f;
	for (int i = 0; i < octaves; i++) {
		sum += amplitude * picture_noise(p, x, y);
		/* Turned a little each time, so that lattices do not line up. */
		float turned = 1.7f * x - 1.1f * y + 17.3f;
		y = 1.1f * x + 1.7f * y + 5.9f;
		x = turned;
		amplitude *= 0.5f;
	}
	return sum;
}

static inline Picture *picture_new(int64_t width, int64_t height, uint32_t seed, float sensor_noise)
{
	Picture *p = g_new0(Picture, 1);
	p->width = width;
	p->height = height;
	p->half = MIN(width, height) / 2.0;
	p->aspect_x = 0.86f * (float)(width / 2.0 / p->half);
	p->aspect_y = 0.86f * (float)(height / 2.0 / p->half);
	p->scale = (float)CLAMP(p->half / 3500, 0.3, 1);
	p->seed = picture_hash(seed, 1, 1);
	p->sensor_noise = sensor_noise;
	for (int i = 0; i < PICTURE_NOISE * PICTURE_NOISE; i++)
		p->noise[i] = (float)picture_hash(p->seed, i, 77) / 2147483648.0f - 1;
	for (int i = 0; i < PICTURE_EXP; i++)
		p->transmission[i] = expf(-i / 512.0f);
	uint32_t state = p->seed;
	for (int i = 0; i < PICTURE_FOLLICLES; i++) {
		float angle = (i + 0.7f * picture_random(&state)) * 2 * (float)M_PI / PICTURE_FOLLICLES;
		float at = 0.47f + 0.06f * picture_random(&state);
		p->follicle[i].u = at * cosf(angle) * p->aspect_x;
		p->follicle[i].v = at * sinf(angle) * p->aspect_y;
		p->follicle[i].radius = 0.055f + 0.06f * picture_random(&state);
	}
	return p;
}

static inline void picture_follicles(const Picture *p, float u, float v, float wobble, float *lymph,
				     float *germinal)
{
	for (int i = 0; i < PICTURE_FOLLICLES; i++) {
		const Follicle *f = &p->follicle[i];
		float du = u - f->u, dv = v - f->v;
		if (du * du + dv * dv > 4 * f->radius * f->radius)
			continue;
		float d = sqrtf(du * du + dv * dv) / f->radius + 0.5f * wobble;
		*lymph = MAX(*lymph, ramp(1.15f, 0.9f, d));
		*germinal = MAX(*germinal, ramp(0.62f, 0.5f, d));
	}
}

/* From the inside out: the lumen (glass), mucosa, loose tissue, two layers of
 * muscle, fat; towards one corner the fat goes on as far as the glass does. */
static inline void picture_anatomy(const Picture *p, double x, double y, float *field)
{
	float u = (float)((x - p->width / 2) / p->half), v = (float)((y - p->height / 2) / p->half);
	float slow = picture_octaves(p, u * 1.9f + 40, v * 1.9f + 40, 3);
	float quick = picture_octaves(p, u * 8 + 90, v * 8 + 20, 4);
	float folds = picture_octaves(p, u * 5 + 11, v * 5 + 63, 3);
	float eu = u / p->aspect_x, ev = v / p->aspect_y;
	float rho = sqrtf(eu * eu + ev * ev) * (1 + 0.13f * slow);
	float towards = (eu * 0.8f + ev * 0.6f) / (sqrtf(eu * eu + ev * ev) + 0.01f);
	float inner = rho - 0.2f - 0.3f * folds - 0.02f * quick;
	float outer = 1 - rho + 0.03f * quick + 0.55f * ramp(0.72f, 0.99f, towards + 0.12f * quick);
	float r = rho + 0.018f * quick;

	float lymph = 0, germinal = 0;
	picture_follicles(p, u, v, quick, &lymph, &germinal);
	float past_mucosa = ramp(0.455f, 0.47f, r), past_loose = ramp(0.655f, 0.665f, r);
	float past_rings = ramp(0.79f, 0.798f, r), past_muscle = ramp(0.885f, 0.9f, r);
	float thin = ramp(0.452f, 0.458f, r) * ramp(0.484f, 0.474f, r);
	lymph *= 1 - past_loose;
	float other = 1 - lymph;
	field[TISSUE_EDGE] = (float)(MIN(inner, outer) * p->half);
	field[TISSUE_MUCOSA] = (1 - past_mucosa) * other;
	field[TISSUE_LYMPH] = lymph;
	field[TISSUE_GERMINAL] = germinal * lymph;
	field[TISSUE_LOOSE] = past_mucosa * (1 - past_loose) * (1 - thin) * other;
	field[TISSUE_RINGS] = (past_loose * (1 - past_rings) + thin) * other;
	field[TISSUE_POINTS] = past_rings * (1 - past_muscle);
	field[TISSUE_FAT] = past_muscle;
	field[TISSUE_RADIUS] = (float)(rho * p->half);
	field[TISSUE_STAIN] = 1 + 0.16f * slow + 0.1f * quick;
}

/* The honeycomb of fat: 1 on the walls between cells. */
static inline float picture_fat_wall(const Picture *p, double x, double y)
{
	double pitch = 66 * p->scale;
	int64_t cx = (int64_t)floor(x / pitch), cy = (int64_t)floor(y / pitch);
	float first = 1e9f, second = 1e9f;
	for (int64_t j = cy - 1; j <= cy + 1; j++)
		for (int64_t i = cx - 1; i <= cx + 1; i++) {
			uint32_t h = picture_hash(p->seed + 5, i, j);
			float dx = (float)((i + 0.1 + 0.8 * (h & 0xffff) / 65536.0) * pitch - x);
			float dy = (float)((j + 0.1 + 0.8 * (h >> 16) / 65536.0) * pitch - y);
			float d = dx * dx + dy * dy;
			if (d < first) {
				second = first;
				first = d;
			} else if (d < second) {
				second = d;
			}
		}
	return ramp(6.5f * p->scale, 2 * p->scale, sqrtf(second) - sqrtf(first));
}

/* Muscle seen lengthwise: bundles along the curve around the centre.  The
 * angle is scaled so that a turn is a whole number of the noise's periods. */
static inline float picture_fibres(const Picture *p, double x, double y, float radius)
{
	float angle = atan2f((float)(y - p->height / 2), (float)(x - p->width / 2));
	float turns = (float)(2 * ceil(p->half / p->scale / 20000)) * PICTURE_NOISE;
	float along = angle / (2 * (float)M_PI) * turns;
	float across = radius / (7 * p->scale);
	return 0.6f * picture_noise(p, along, across) + 0.4f * picture_noise(p, along * 2, across * 2.3f);
}

/* The tissue between the cells, at one pixel. */
static inline void picture_ground(const Picture *p, double x, double y, const float *field, float *blue,
				  float *pink)
{
	float fx = (float)x / p->scale, fy = (float)y / p->scale;
	float fine = picture_noise(p, fx / 3.1f, fy / 3.1f);
	float medium = picture_noise(p, fx / 12.7f, fy / 12.7f);
	float coarse = picture_noise(p, fx / 44, fy / 44);
	float edge = field[TISSUE_EDGE] + p->scale * (16 * coarse + 6 * medium + 2 * fine);
	*blue = 0.012f;
	*pink = 0.012f;
	if (edge < -2)
		return;
	float b = 0.2f * field[TISSUE_MUCOSA] + field[TISSUE_LYMPH] * 0.5f - 0.26f * field[TISSUE_GERMINAL];
	float e = 0.46f * field[TISSUE_MUCOSA] + 0.3f * field[TISSUE_LYMPH];
	e += (field[TISSUE_MUCOSA] + field[TISSUE_LYMPH]) * (0.1f * medium + 0.1f * fine);
	if (field[TISSUE_LOOSE] > 0) {
		float wave = picture_noise(p, (fx + 26 * coarse) / 90 + fy / 60,
					   (fy + 34 * medium) / 13 - fx / 21);
		float strand = 1 - 2 * fabsf(wave);
		e += field[TISSUE_LOOSE] * (0.17f + 0.22f * strand + 0.06f * fine);
		b += field[TISSUE_LOOSE] * 0.05f;
	}
	if (field[TISSUE_RINGS] > 0) {
		float fibre = picture_fibres(p, x, y, field[TISSUE_RADIUS]);
		e += field[TISSUE_RINGS] *
		     (0.78f + 0.3f * fibre + 0.05f * fine - 0.5f * ramp(0.42f, 0.6f, coarse + fibre * 0.4f));
		b += field[TISSUE_RINGS] * 0.12f;
	}
	if (field[TISSUE_POINTS] > 0) {
		float gap = ramp(0.16f, 0.05f, fabsf(coarse + 0.15f * medium));
		e += field[TISSUE_POINTS] * (0.6f + 0.14f * medium + 0.08f * fine - 0.5f * gap);
		b += field[TISSUE_POINTS] * 0.14f;
	}
	if (field[TISSUE_FAT] > 0) {
		float septum = ramp(0.06f, 0.015f, fabsf(picture_octaves(p, fx / 560, fy / 560, 2)));
		float wall = MAX(picture_fat_wall(p, x, y), septum);
		e += field[TISSUE_FAT] * (0.03f + (0.42f + 0.12f * fine) * wall);
		b += field[TISSUE_FAT] * 0.08f * wall;
	}
	float skin = ramp(34 * p->scale, 6 * p->scale, edge); /* epithelium on the inside, serosa outside */
	float in = ramp(-2, 2, edge) * field[TISSUE_STAIN];
	*blue += in * (b + 0.4f * skin * field[TISSUE_MUCOSA]);
	*pink += in * (e + 0.3f * skin);
}
