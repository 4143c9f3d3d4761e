# python_package_file(VARIABLE PACKAGE FILE): the path of a file that a Python package of Python_EXECUTABLE brings, or empty.
function(python_package_file variable package file)
  set(find "import importlib.util, os; spec = importlib.util.find_spec('${package}'); \
path = os.path.join(os.path.dirname(spec.origin), '${file}') if spec else ''; print(path if os.path.exists(path) else '', end='')")
  execute_process(COMMAND "${Python_EXECUTABLE}" -c "${find}" OUTPUT_VARIABLE path ERROR_QUIET)
  set(${variable} "${path}" PARENT_SCOPE)
endfunction()
