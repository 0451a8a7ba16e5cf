#!/bin/bash
# SPDX-License-Identifier: MIT
# What a VRT or world files say of the place on earth is read back by GDAL from the mosaic.
. "$(dirname "$0")/../lib.sh"
export VIPS_WARNING=no # its libtiff does not know GeoTIFF's tags
need gdalinfo gdalbuildvrt gdal_translate

# place FILE: GeoTransform and coordinate system as GDAL reads them; in WKT 1, because WKT 2
# has areas of use, which GDAL knows of codes but not of texts
place() {
	gdalinfo -json -wkt_format WKT1 "$1" 2>gdal.err >gdal.json || fail "gdalinfo $1: $(cat gdal.err)"
	[ ! -s gdal.err ] || fail "gdalinfo $1 complains: $(cat gdal.err)"
	$PYTHON -c '
import json
info = json.load(open("gdal.json"))
print(info["size"], [x.hex() for x in map(float, info["geoTransform"])])
print(info.get("coordinateSystem", {}).get("wkt"))'
}

assert_place() {
	assert_eq "$(place "$1")" "$(place "$2")" "place of $1"
}

make_tiles tiles --kind=csv --columns=3 --rows=2 --tile-width=120 --tile-height=80 --overlap=20,10
tail -n +2 tiles.positions | while IFS=, read -r file x y; do
	awk -v x="$x" -v y="$y" 'BEGIN {
		printf "0.3\n0\n0\n-0.3\n%.10f\n%.10f\n", 432100.15 + x * 0.3, 5316007.35 - y * 0.3 }' >"${file%.jpg}.jgw"
done
rm -f tiles/tiles.csv

mkdir vrt
cp tiles/*.jpg tiles/*.jgw vrt
cat >custom.wkt <<'END'
PROJCS["Site grid 7",
    GEOGCS["ETRS89",DATUM["European_Terrestrial_Reference_System_1989",SPHEROID["GRS 1980",6378137,298.257222101]],
        PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],
    PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",48.1],PARAMETER["central_meridian",11.57],
    PARAMETER["scale_factor",0.99987],PARAMETER["false_easting",100000],PARAMETER["false_northing",200000],
    UNIT["metre",1]]
END
systems=(EPSG:25832 EPSG:4258 custom.wkt)
[ -n "${SANITIZED:-}" ] || systems+=(EPSG:3857 EPSG:2056 EPSG:4326 ESRI:102017
	"+proj=omerc +lat_0=4 +lonc=115 +alpha=53 +k=0.99 +x_0=590 +y_0=442 +gamma=53 +ellps=bessel")
for srs in "${systems[@]}"; do
	rm -f vrt/m.vrt
	gdalbuildvrt -q -a_srs "$srs" vrt/m.vrt vrt/*.jpg
	mount_tiffuse --tile=64 vrt
	assert_place "$FILE" vrt/m.vrt
	unmount
	passed "VRT with $srs"
done

gdalbuildvrt -q -overwrite -a_srs EPSG:25832 vrt/m.vrt vrt/*.jpg
mount_tiffuse --compression=none --tile=64 vrt
assert_place "$FILE" vrt/m.vrt
# GDAL decodes JPEGs with another chroma upsampling, hence through its own copy without loss
for file in vrt/*.jpg; do
	vips copy "$file" "${file%.jpg}.png"
done
cp "$FILE" copy.tif
unmount
assert_place copy.tif vrt/m.vrt
passed "a copy without compression"
sed 's/\.jpg</.png</' vrt/m.vrt >vrt/png.vrt
gdal_translate -q -of PNM vrt/png.vrt expected.ppm
vips copy copy.tif got.ppm
assert_pnm got.ppm expected.ppm
passed "the pixels are those that GDAL reads through the VRT"

mount_tiffuse --compression=none --tile=64 --crop=37,21,200,90 vrt/m.vrt
gdal_translate -q -of VRT -srcwin 37 21 200 90 vrt/m.vrt vrt/part.vrt
assert_place "$FILE" vrt/part.vrt
vips copy "$FILE" got.ppm
unmount
passed "a crop moves the place"

# a window of a source
first=$(basename "$(ls vrt/*.png | head -n 1)")
(cd vrt && gdal_translate -q -of VRT -srcwin 11 22 50 40 "$first" part.vrt)
mount_tiffuse --compression=none --tile=64 vrt/part.vrt
vips copy "$FILE" got.ppm
vips crop "vrt/$first" expected.ppm 11 22 50 40
assert_pnm got.ppm expected.ppm
assert_place "$FILE" vrt/part.vrt
unmount
passed "a VRT of a window of a source"

# larger than its sources, and smaller
gdalbuildvrt -q -te 432082 5315950 432211.3 5316022.6 -tr 0.3 0.3 -a_srs EPSG:25832 vrt/other.vrt vrt/*.jpg
if grep -q 'xSize="120" ySize="80"' vrt/other.vrt; then
	mount_tiffuse --compression=none --tile=64 vrt/other.vrt
	assert_place "$FILE" vrt/other.vrt
	unmount
	passed "a VRT larger than its sources"
fi

gdalbuildvrt -q world.vrt tiles/*.jpg
mount_tiffuse --tile=64 tiles
assert_place "$FILE" world.vrt
unmount
passed "world files"
mount_tiffuse --tile=64 --crop=101,50,100,100 tiles
gdal_translate -q -of VRT -srcwin 101 50 100 100 world.vrt part.vrt
assert_place "$FILE" part.vrt
unmount
passed "a crop of world files"

# rotated: no two numbers tell it
sed -i 's#<GeoTransform>.*</GeoTransform>#<GeoTransform>432100.1, 0.25, 0.0625, 5316007.3, 0.0625, -0.25</GeoTransform>#' vrt/m.vrt
mount_tiffuse --tile=64 vrt/m.vrt
assert_place "$FILE" vrt/m.vrt
unmount
passed "a rotated VRT"
