# Writes the mappings into a C file, so that the program carries them: cmake -DFOLDER= -DOUT= -P embed.cmake
file(GLOB files RELATIVE ${FOLDER} ${FOLDER}/*.cfg)
list(SORT files)
set(texts "")
set(entries "")
set(number 0)
foreach(name ${files})
    file(READ ${FOLDER}/${name} hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n"
        bytes "${bytes}")
    string(APPEND texts "static const unsigned char text_${number}[] = {\n${bytes}0};\n")
    string(APPEND entries "    {\"schemas/mappings/${name}\", (const char *)text_${number}},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "/* Made by consumers/embed.cmake. */\n#include \"consumers/shipped.h\"\n\n${texts}\n"
    "const struct shipped_mapping shipped_mappings[] = {\n${entries}};\n"
    "const size_t shipped_mappings_count = ${number};\n")
