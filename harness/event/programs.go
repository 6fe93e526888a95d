package event

// EnvLacks tells suites which of their programs could not be had: a line for
// each, PATH: REASON.
const EnvLacks = "KREPRO_LACKS"
