using System.CommandLine;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn weights</c>: published models, and how to get them.</summary>
internal static class WeightsCommand
{
    public static Command Create() => new("weights", "Published models: which there are, and getting them.")
    {
        WeightsListCommand.Create(),
        WeightsDownloadCommand.Create(),
    };
}
