import LinuxSystem
import Testing

@Suite struct `Amounts as people write them` {
    @Test func `have a sum that is no more than there is`() {
        var (size, growth) = (UInt64.max - 1, Int64.min + 1)
        size.add(upToLimit: 1)
        growth.add(upToLimit: -2)
        #expect(size == .max && growth == .min)
        size.add(upToLimit: .max)
        growth.add(upToLimit: .max)
        #expect(size == .max && growth == -1)
    }

    @Test(
        arguments: [
            ("10s", 10_000_000_000), ("500ms", 500_000_000), ("2m", 120_000_000_000),
            ("1h30m", 5_400_000_000_000), ("1.5s", 1_500_000_000), ("10", 10_000_000_000),
            ("0.25", 250_000_000), ("1ns", 1), ("1d", 86_400_000_000_000),
        ] as [(String, UInt64)])
    func `are durations`(_ row: (String, UInt64)) {
        #expect(Quantity.nanoseconds(row.0) == row.1)
    }

    @Test(
        arguments: [
            "", "s", "soon", "-1s", "1x", "1s2", "1 s", "1..5s", "0", "0s", "99999999999h",
            "1.0000000001s", "1s-", "\u{0661}s",
        ])
    func `are no durations`(_ text: String) {
        #expect(Quantity.nanoseconds(text) == nil)
    }

    @Test(
        arguments: [
            ("64m", 64 << 20), ("1g", 1 << 30), ("1.5g", 3 << 29), ("256MiB", 256 << 20),
            ("256MB", 256 << 20), ("4096", 4096), ("4096b", 4096), ("1k", 1024), ("2T", 2 << 40),
        ] as [(String, UInt64)])
    func `are sizes`(_ row: (String, UInt64)) {
        #expect(Quantity.bytes(row.0) == row.1)
    }

    @Test(arguments: ["", "m", "-1", "0", "1x", "1mm", "10%", "9999999999g", "1 m", "0x10"])
    func `are no sizes`(_ text: String) {
        #expect(Quantity.bytes(text) == nil)
    }

    @Test func `are told to people`() {
        #expect(Quantity.size(256 << 20) == "256 MiB")
        #expect(Quantity.size(1000) == "1000 bytes")
        #expect(Quantity.duration(1_500_000_000) == "1.5 s")
        #expect(Quantity.duration(10_000_000_000) == "10 s")
        #expect(Quantity.duration(1_050_000_000) == "1.05 s")
        #expect(Quantity.duration(500_000_000) == "500 ms")
    }
}
