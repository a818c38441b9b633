public import JSON
internal import LinuxSystem
internal import SystemPackage

extension ResctrlGroup {
    /// Limits and usage of the container, in runc's format: `intel_rdt` of an event.
    public func statistics() -> JSONOutput {
        var members: [(key: String, value: JSONOutput)] = []
        func add(_ key: String, _ value: JSONOutput?) {
            if let value { members.append((key, value)) }
        }
        add(
            "l3_cache_info",
            info("L3", words: ["cbm_mask"], numbers: ["min_cbm_bits", "num_closids"]))
        add("l3_cache_schema_root", line("L3", in: root))
        add("l3_cache_schema", line("L3", in: path))
        add(
            "mem_bw_info",
            info(
                "MB", words: [],
                numbers: ["bandwidth_gran", "delay_linear", "min_bandwidth", "num_closids"]))
        add("mem_bw_schema_root", line("MB", in: root))
        add("mem_bw_schema", line("MB", in: path))
        let lines = schemata(of: path).map { JSONOutput.string(String($0)) }
        if !lines.isEmpty { add("schemata", .array(lines)) }
        add("mbm_stats", monitored(["mbm_total_bytes", "mbm_local_bytes"]))
        add("cmt_stats", monitored(["llc_occupancy"]))
        return .object(members)
    }

    private func schemata(of directory: String) -> [Substring] {
        (GroupFile.read(directory, "schemata") ?? "").split(separator: "\n").map {
            $0.drop { $0 == " " }
        }
    }

    private func line(_ resource: String, in directory: String) -> JSONOutput? {
        schemata(of: directory).first { $0.hasPrefix(resource) }.map { .string(String($0)) }
    }

    /// Nil where the machine does not have it.
    private func info(_ name: String, words: [String], numbers: [String]) -> JSONOutput? {
        let directory = "\(root)/info/\(name)"
        if (try? FileStatus.of(path: directory)) == nil { return nil }
        let texts = words.map { ($0, JSONOutput.string(GroupFile.read(directory, $0) ?? "")) }
        let figures = numbers.compactMap { file in
            GroupFile.read(directory, file).flatMap { UInt64($0) }.map {
                (file, JSONOutput.unsigned($0))
            }
        }
        return .object(texts + figures)
    }

    /// An object for each cache; nil where none of the files is there.
    private func monitored(_ files: [String]) -> JSONOutput? {
        let directory = (monitor ?? path) + "/mon_data"
        let caches = ((try? HostPath.directories(in: directory)) ?? []).sorted()
        let found = caches.compactMap { cache -> JSONOutput? in
            let figures = files.compactMap { file in
                GroupFile.read("\(directory)/\(cache)", file).flatMap { UInt64($0) }.map {
                    (file, JSONOutput.unsigned($0))
                }
            }
            return figures.isEmpty ? nil : .object(figures)
        }
        return found.isEmpty ? nil : .array(found)
    }
}
