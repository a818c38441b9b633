internal import LinuxSystem
internal import SystemPackage

extension Failure {
    /// A file whose contents lie in a layer that is not known.
    static func missingLayer(_ path: LayerPath) -> Failure {
        Failure(
            "the contents of \(path.quoted) lie in a layer below; name the layers with --layer, bottom"
                + " first")
    }
}

/// Makes a call on a path of a layer; where it fails, says which call it was and the path.
@inline(__always)
func attempt<Value: ~Copyable>(
    _ call: @autoclosure () -> String, on path: @autoclosure () -> LayerPath,
    _ body: @autoclosure () throws(Errno) -> Value
) throws(Failure) -> Value {
    try attempt(
        call(), path().quoted,
        advice: {
            $0 == .tooManyOpenFiles
                ? "the tree is nested too deep, or has too many layers: raise \"ulimit -n\"" : nil
        }, try body())
}
