internal import CLinux
internal import Glibc
public import SystemPackage

/// Extended attributes of a name in an open directory, no link followed, whatever kind of file it
/// is; `FileName.itself` is the open file.
extension FileDescriptor {
    /// The value, nil where the file has none of that name, or where its file system has none at
    /// all. The corresponding C function is `lgetxattr`.
    public func attribute(_ attribute: String, of name: FileName) throws(Errno) -> [UInt8]? {
        // Most are short; the kernel's limit is 64 KB.
        for capacity in [256, 65536] {
            var value = [UInt8](repeating: 0, count: capacity)
            let count = unsafe clinux_get_attribute(
                rawValue, name.characters, attribute, &value, capacity)
            if count >= 0 { return Array(value[..<count]) }
            switch Errno(rawValue: errno) {
            case .noData, .notSupported: return nil
            case .outOfRange: continue
            case let error: throw error
            }
        }
        throw .outOfRange
    }

    /// The names of all attributes, in their order. The corresponding C function is `llistxattr`.
    public func attributeNames(of name: FileName) throws(Errno) -> [String] {
        for capacity in [1024, 65536] {
            var list = [CChar](repeating: 0, count: capacity)
            let count = unsafe clinux_list_attributes(
                rawValue, name.characters, &list, capacity)
            if count >= 0 {
                return list[..<count].split(separator: 0).map {
                    String(decoding: $0.map(UInt8.init(bitPattern:)), as: UTF8.self)
                }.sorted()
            }
            switch Errno(rawValue: errno) {
            case .notSupported: return []
            case .outOfRange: continue
            case let error: throw error
            }
        }
        throw .outOfRange
    }

    /// The corresponding C function is `lsetxattr`.
    public func setAttribute(
        _ attribute: String, _ value: [UInt8], of name: FileName
    ) throws(Errno) {
        try checkDone(
            unsafe clinux_set_attribute(
                rawValue, name.characters, attribute, value, value.count))
    }
}
