using System.CommandLine;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn weights</c>: what runs, from where, and as what file.</summary>
internal static class WeightsCommand
{
    public static Command Create() => new("weights", "Weights files: what they hold, converting them, and published ones.")
    {
        WeightsInfoCommand.Create(),
        WeightsConvertCommand.Create(),
        WeightsListCommand.Create(),
        WeightsDownloadCommand.Create(),
    };
}
