# compare.sh FOLDER FRAMEWORK CONFIGURATION: NextGen's functions give the flux that the example's framework gives, in every digit.
flux=$("$1/nextgen" "$1/libecostep_nextgen.so" "$3" gpp | sed 's/.*day *//')
"$2" "$3" | grep -i "gpp of the last day *$flux" || { echo "nextgen: '$flux', framework:"; "$2" "$3"; exit 1; }
