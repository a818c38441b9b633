internal import ContainerRuntime
internal import LinuxSystem

/// The table that `list` prints.
enum ContainerTable {
    /// Columns as wide as their widest cell and three more, twelve at least.
    static func write(
        _ reports: [StoredContainer.Report], _ owners: OwnerNames
    ) throws(Failure) {
        let rows = reports.map {
            (report: $0, id: cell($0.id), bundle: cell($0.bundle), created: cell($0.created))
        }
        var (id, bundle, created) = (12, 12, 12)
        for index in rows.indices {
            id = max(id, rows[index].id.width + 3)
            bundle = max(bundle, rows[index].bundle.width + 3)
            created = max(created, rows[index].created.width + 3)
        }
        var text: [UInt8] = []
        let most = 1 << 16
        text.reserveCapacity(min((id + bundle + created + 40) * (rows.count + 1), most))
        func append(_ cell: String, _ width: Int) {
            text += cell.utf8
            for _ in cell.width..<width { text.append(0x20) }
        }
        func append(_ row: (String, String, String, String, String, String)) {
            append(row.0, id)
            append(row.1, 12)
            append(row.2, 12)
            append(row.3, bundle)
            append(row.4, created)
            text += row.5.utf8
            text.append(0x0a)
        }
        append(("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"))
        for index in rows.indices {
            let report = rows[index].report
            append(
                (
                    rows[index].id, String(report.pid), report.status.rawValue,
                    rows[index].bundle, rows[index].created, cell(owners.name(report.ownerID))
                ))
            if text.count > most - 1024 {
                try Output.write(text)
                text.removeAll(keepingCapacity: true)
            }
        }
        try Output.write(text)
    }

    /// Text of a state file, which may be that of another user.
    private static func cell(_ text: String) -> String { text.printable(upTo: .longestName) }
}

extension String {
    /// The number of Unicode scalars.
    fileprivate var width: Int {
        let counted = unsafe utf8.withContiguousStorageIfAvailable { bytes in
            unsafe bytes.reduce(0) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) }
        }
        return counted ?? unicodeScalars.count
    }
}
