/// Lines of a `schemata` file of resctrl: `L3:0=7f0;1=1f`.
enum ResctrlSchema {
    /// The lines that the specification's fields come to, in the order they are written.
    static func lines(l3Cache: String?, memoryBandwidth: String?, schemata: [String]) -> [String] {
        combined(l3Cache, memoryBandwidth) + schemata
    }

    /// A line for memory bandwidth in `l3Cache` gives way to the field for memory bandwidth.
    static func combined(_ l3Cache: String?, _ memoryBandwidth: String?) -> [String] {
        var lines = (l3Cache ?? "").split(separator: "\n").map(String.init)
        if let memoryBandwidth, !memoryBandwidth.isEmpty {
            lines.removeAll { $0.drop { $0 == " " }.hasPrefix("MB:") }
            lines.append(memoryBandwidth)
        }
        return lines
    }

    /// Whether `file` says what `line` says: the kernel writes numbers and their order as it
    /// likes. Domains that `line` does not name may be anything.
    static func matches(_ line: String, _ file: String) -> Bool {
        guard let wanted = values(line[...]) else { return false }
        for other in file.split(separator: "\n") {
            guard let found = values(other), found.resource == wanted.resource else { continue }
            return wanted.domains.allSatisfy { found.domains[$0.key] == $0.value }
        }
        return false
    }

    /// Masks are hexadecimal, bandwidths are not; as numbers of both kinds differ alike, one
    /// reading does for a comparison.
    private static func values(
        _ line: Substring
    ) -> (resource: Substring, domains: [UInt64: UInt64])? {
        let line = line.filter { $0 != " " }
        guard let colon = line.firstIndex(of: ":") else { return nil }
        var domains: [UInt64: UInt64] = [:]
        for pair in line[line.index(after: colon)...].split(separator: ";") {
            let parts = pair.split(separator: "=")
            guard parts.count == 2, let domain = UInt64(parts[0]),
                let value = UInt64(parts[1], radix: 16)
            else { return nil }
            domains[domain] = value
        }
        return (Substring(line[..<colon]), domains)
    }
}
