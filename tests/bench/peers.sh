# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# The peers: each writes a tiled JPEG pyramid of the same mosaic, with tiles
# of 512 pixels and the same quality.

# write_vrt POSITIONS.csv: GDAL's mosaic of the tiles, all of 3200x2200; its
# own gdalbuildvrt wants georeferenced files.
write_vrt() {
	awk -F, -v tw=3200 -v th=2200 '
	function source(band, i) {
		printf "<SimpleSource><SourceFilename relativeToVRT=\"0\">%s</SourceFilename>", file[i]
		printf "<SourceBand>%d</SourceBand>", band
		printf "<SourceProperties RasterXSize=\"%d\" RasterYSize=\"%d\" DataType=\"Byte\" BlockXSize=\"%d\" BlockYSize=\"1\"/>", tw, th, tw
		printf "<SrcRect xOff=\"0\" yOff=\"0\" xSize=\"%d\" ySize=\"%d\"/>", tw, th
		printf "<DstRect xOff=\"%d\" yOff=\"%d\" xSize=\"%d\" ySize=\"%d\"/></SimpleSource>\n", x[i], y[i], tw, th
	}
	NR > 1 && NF >= 3 {
		file[++n] = $1; x[n] = $2; y[n] = $3
		if ($2 + tw > w) w = $2 + tw
		if ($3 + th > h) h = $3 + th
	}
	END {
		split("Red Green Blue", colour, " ")
		printf "<VRTDataset rasterXSize=\"%d\" rasterYSize=\"%d\">\n", w, h
		for (band = 1; band <= 3; band++) {
			printf "<VRTRasterBand dataType=\"Byte\" band=\"%d\"><ColorInterp>%s</ColorInterp>\n", band, colour[band]
			for (i = 1; i <= n; i++)
				source(band, i)
			print "</VRTRasterBand>"
		}
		print "</VRTDataset>"
	}' "$1"
}

# Arguments of the functions below: POSITIONS.csv OUT.tif
peer_arrayjoin() {
	measured "$TOOLS/peer_vips" arrayjoin "$1" "$2" "$QUALITY"
}

peer_insert() {
	measured "$TOOLS/peer_vips" insert "$1" "$2" "$QUALITY"
}

peer_strips() {
	measured "$TOOLS/peer_vips" strips "$1" "$2" "$QUALITY"
}

# Overviews of a dataset that is open for update go into the same file.
peer_gdal() {
	write_vrt "$1" >"$2.vrt" || return 1
	# shellcheck disable=SC2016
	measured env GDAL_CACHEMAX=256 bash -c '
		set -e
		gdal_translate -q -of GTiff -co TILED=YES -co BLOCKXSIZE=512 -co BLOCKYSIZE=512 -co COMPRESS=JPEG \
			-co "JPEG_QUALITY=$3" -co PHOTOMETRIC=YCBCR -co BIGTIFF=YES -co "NUM_THREADS=$4" "$1" "$2"
		gdaladdo -q -r average --config JPEG_QUALITY_OVERVIEW "$3" --config GDAL_TIFF_OVR_BLOCKSIZE 512 "$2"
	' gdal "$2.vrt" "$2" "$QUALITY" "$CORES"
}

peer_cog() {
	write_vrt "$1" >"$2.vrt" || return 1
	measured env GDAL_CACHEMAX=256 gdal_translate -q -of COG -co COMPRESS=JPEG -co "QUALITY=$QUALITY" \
		-co BLOCKSIZE=512 -co BIGTIFF=YES -co OVERVIEW_RESAMPLING=AVERAGE -co "NUM_THREADS=$CORES" "$2.vrt" "$2"
}

# Why a peer cannot take part, or nothing.
peer_obstacle() {
	case $2 in
	arrayjoin) [ "$1" = grid ] || echo "arrayjoin takes no overlapping tiles" ;;
	insert | strips) ;;
	gdal | cog) command -v gdal_translate >/dev/null || echo "gdal_translate is not installed" ;;
	*) echo "unknown: expected arrayjoin, insert, strips, gdal or cog" ;;
	esac
}

# bench_peer CASE PEER
bench_peer() {
	local out=$SCRATCH/$2.tif obstacle
	obstacle=$(peer_obstacle "$1" "$2")
	if [ -n "$obstacle" ]; then
		note "$1 $2: skipped: $obstacle"
		return
	fi
	ready
	CHECKED=-
	if "peer_$2" "$SCRATCH/$1/positions.csv" "$out"; then
		# That a peer samples in another way is no failure of ours.
		[ "$CHECK_PEERS" = 0 ] || check_pixels "$1" "$out" || true
		result "$1" "$2" "$WALL" "$CPU" "$PEAK" "$out"
	else
		failed_result "$1" "$2"
	fi
	rm -f "$out" "$out".*
}
