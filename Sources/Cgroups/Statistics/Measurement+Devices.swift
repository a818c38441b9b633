internal import JSON

/// Block I/O and huge pages.
extension Measurement {
    var blockIO: JSONOutput {
        var all = Figures()
        guard let files = files("blkio") else { return all.json }
        if files.isVersion2 {
            func entries(_ keys: [(key: String, operation: String)]) -> JSONOutput? {
                var found: [JSONOutput] = []
                for words in files.table("io.stat") {
                    guard let device = words.first else { continue }
                    for (key, operation) in keys {
                        for word in words where word.hasPrefix(key + "=") {
                            found.append(
                                Figures.entry(
                                    device, operation, UInt64(word.dropFirst(key.count + 1))))
                        }
                    }
                }
                return found.isEmpty ? nil : .array(found)
            }
            all.add(
                "ioServiceBytesRecursive", entries([("rbytes", "Read"), ("wbytes", "Write")]))
            all.add("ioServicedRecursive", entries([("rios", "Read"), ("wios", "Write")]))
        } else {
            for (key, names) in [
                ("ioServiceBytesRecursive", "io_service_bytes"),
                ("ioServicedRecursive", "io_serviced"), ("ioQueueRecursive", "io_queued"),
                ("ioServiceTimeRecursive", "io_service_time"),
                ("ioWaitTimeRecursive", "io_wait_time"), ("ioMergedRecursive", "io_merged"),
                ("ioTimeRecursive", "time"), ("sectorsRecursive", "sectors"),
            ] {
                all.add(key, blockEntries(files, names))
            }
        }
        all.add("psi", files.pressure("io.pressure"))
        return all.json
    }

    /// From the scheduler that counts, or else from the throttling layer, which always does.
    private func blockEntries(_ files: CounterFiles, _ name: String) -> JSONOutput? {
        for file in [
            "blkio.bfq.\(name)_recursive", "blkio.\(name)_recursive",
            "blkio.throttle.\(name)_recursive",
        ] {
            let entries = files.table(file).compactMap { words -> JSONOutput? in
                guard words.count >= 2, words[0].contains(":"), let value = UInt64(words.last ?? "")
                else { return nil }
                return Figures.entry(words[0], words.count > 2 ? String(words[1]) : "", value)
            }
            if !entries.isEmpty { return .array(entries) }
        }
        return nil
    }

    var hugepages: JSONOutput {
        guard let files = files("hugetlb") else { return .object([]) }
        let usage = files.isVersion2 ? ".current" : ".usage_in_bytes"
        return .object(
            HugePages.sizes.compactMap { size in
                let prefix = "hugetlb.\(size)"
                let reserved = prefix + ".rsvd"
                let name = files.number(reserved + usage) != nil ? reserved : prefix
                guard let used = files.number(name + usage) else { return nil }
                var figures = Figures()
                figures.add("usage", used)
                if files.isVersion2 {
                    figures.addAlways("failcnt", files.value(prefix + ".events", "max"))
                } else {
                    figures.add("max", files.number(name + ".max_usage_in_bytes"))
                    figures.addAlways("failcnt", files.number(name + ".failcnt"))
                }
                return (size, figures.json)
            })
    }
}
