# rh_embed_sql(TARGET FOLDER): every FOLDER/sql/NAME.sql becomes the string constant rh_sql_NAME,
# declared in the generated header "embedded/<folder name>.h". The .sql files run unchanged in psql.
#
# rh_embed_texts(TARGET NAME FILE...): the files become the table rh_text_NAME of {file name without its ending, text},
# ended by a row of NULL and declared in the generated header "texts/NAME.h".
set(RH_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/EmbedSqlFile.cmake)

function(rh_embed target out prefix table)
  add_custom_command(
    OUTPUT ${out}.c ${out}.h
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DPREFIX=${prefix} -DTABLE=${table} "-DSCRIPTS=${ARGN}" -P ${RH_EMBED_SCRIPT}
    DEPENDS ${ARGN} ${RH_EMBED_SCRIPT}
    VERBATIM)
  target_sources(${target} PRIVATE ${out}.c)
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/generated)
endfunction()

function(rh_embed_sql target folder)
  file(GLOB scripts CONFIGURE_DEPENDS ${folder}/sql/*.sql)
  if(scripts)
    get_filename_component(name ${folder} NAME)
    rh_embed(${target} ${CMAKE_BINARY_DIR}/generated/embedded/${name} rh_sql_ "" ${scripts})
  endif()
endfunction()

function(rh_embed_texts target name)
  rh_embed(${target} ${CMAKE_BINARY_DIR}/generated/texts/${name} rh_text_${name}_ rh_text_${name} ${ARGN})
endfunction()
