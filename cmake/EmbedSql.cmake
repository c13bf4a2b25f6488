# rh_embed_sql(TARGET FOLDER): every FOLDER/sql/NAME.sql becomes the string constant rh_sql_NAME,
# declared in the generated header "sql/<folder name>.h". The .sql files run unchanged in psql.
set(RH_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/EmbedSqlFile.cmake)
function(rh_embed_sql target folder)
  file(GLOB scripts CONFIGURE_DEPENDS ${folder}/sql/*.sql)
  if(NOT scripts)
    return()
  endif()
  get_filename_component(name ${folder} NAME)
  set(out ${CMAKE_BINARY_DIR}/generated/sql)
  add_custom_command(
    OUTPUT ${out}/${name}.c ${out}/${name}.h
    COMMAND ${CMAKE_COMMAND} -DOUT=${out}/${name} "-DSCRIPTS=${scripts}" -P ${RH_EMBED_SCRIPT}
    DEPENDS ${scripts} ${RH_EMBED_SCRIPT}
    VERBATIM)
  target_sources(${target} PRIVATE ${out}/${name}.c)
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/generated)
endfunction()
