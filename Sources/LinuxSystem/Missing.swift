public import SystemPackage

/// What a call gives, or nil where there is nothing of that name (`ENOENT`). Every other error stays
/// one: a file that cannot be looked at is not a file that is missing.
@inline(__always)
public func unlessMissing<Value: ~Copyable>(
    _ call: @autoclosure () throws(Errno) -> Value
) throws(Errno) -> Value? {
    do throws(Errno) {
        return try call()
    } catch .noSuchFileOrDirectory {
        return nil
    }
}
