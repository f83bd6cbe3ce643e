using System.CommandLine;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn weights</c>: inspects, converts and downloads weights files.</summary>
internal static class WeightsCommand
{
    public static Command Create() => new("weights", "Inspects, converts, lists and downloads weights files.")
    {
        WeightsInfoCommand.Create(),
        WeightsConvertCommand.Create(),
        WeightsListCommand.Create(),
        WeightsDownloadCommand.Create(),
        WeightsKeysCommand.Create(),
    };
}
