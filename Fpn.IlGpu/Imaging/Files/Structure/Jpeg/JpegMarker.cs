namespace Fpn.IlGpu.Imaging;

/// <summary>The markers of JPEG segments: the byte after 0xFF (ITU T.81, table B.1).</summary>
internal static class JpegMarker
{
    /// <summary>Start of a frame, of which there are sixteen kinds: 0 and 1 are sequential, 2 is progressive.</summary>
    public const byte Sof0 = 0xC0;
    public const byte Sof1 = 0xC1;
    public const byte Sof2 = 0xC2;

    /// <summary>The last of them; the three numbers in between that are none have cases of their own.</summary>
    public const byte Sof15 = 0xCF;

    public const byte HuffmanTables = 0xC4;
    public const byte StartOfImage = 0xD8;
    public const byte EndOfImage = 0xD9;
    public const byte StartOfScan = 0xDA;
    public const byte QuantisationTables = 0xDB;
    public const byte RestartInterval = 0xDD;
    public const byte App0 = 0xE0;
    public const byte App1 = 0xE1;
    public const byte App14 = 0xEE;

    private const byte Temporary = 0x01;
    private const byte FirstRestart = 0xD0;

    /// <summary>Number of the restart marker, 0 to 7; null for another marker.</summary>
    public static int? RestartNumber(byte marker) => marker is >= FirstRestart and < StartOfImage ? marker - FirstRestart : null;

    /// <summary>Whether no length follows the marker.</summary>
    public static bool StandsAlone(byte marker) => marker is Temporary || RestartNumber(marker) is not null;
}
