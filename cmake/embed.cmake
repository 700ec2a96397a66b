# Files as they are, as bytes in the program: embed(TARGET NAME FILE...) makes NAME and NAME_len.
function(georder_embed target name)
  set(hex "")
  foreach(file IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${file})
    file(READ ${CMAKE_SOURCE_DIR}/${file} one HEX)
    string(APPEND hex ${one})
  endforeach()
  string(REGEX REPLACE "(..)" "0x\\1," bytes ${hex})
  set(out ${CMAKE_BINARY_DIR}/embed/${name}.c)
  file(CONFIGURE OUTPUT ${out} CONTENT
       "#include \"report.h\"\nconst unsigned char ${name}[] = {${bytes}};\nconst size_t ${name}_len = sizeof ${name};\n")
  target_sources(${target} PRIVATE ${out})
endfunction()
