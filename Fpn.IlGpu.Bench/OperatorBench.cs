using System.CommandLine;
using System.Text.Json.Nodes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Fpn.IlGpu.Bench.Operators;
using Fpn.IlGpu.Runtime;
using Perfolizer.Horology;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// <c>ops</c>: times every operator on R50-FPN's sizes with BenchmarkDotNet, within this process, so that it runs on the
/// requested device and build.
/// </summary>
internal static class OperatorBench
{
    private const int WarmUps = 2;

    private static readonly TimeInterval IterationTime = TimeInterval.FromMilliseconds(150);

    private static readonly Type[] Benchmarks =
    [
        typeof(LayerBenchmarks), typeof(DepthwiseBenchmarks), typeof(MapBenchmarks), typeof(RoiBenchmarks),
        typeof(SelectionBenchmarks), typeof(PictureBenchmarks), typeof(MaskBenchmarks),
    ];

    public static Command Create()
    {
        var options = new BenchOptions();
        var filter = new Option<string[]>("--filter", "-f")
        {
            Description = "Patterns of benchmark names, such as *RoiAlign* or *Layer*.",
            HelpName = "PATTERN",
            DefaultValueFactory = _ => ["*"],
        };
        var runs = BenchOptions.Runs(10, "Number of iterations of each operator.");
        var command = new Command("ops", "Times every operator on R50-FPN's sizes, with BenchmarkDotNet.") { filter, runs };
        foreach (var option in options.OfDevice)
            command.Add(option);
        command.SetAction(parsed =>
        {
            using var device = options.OpenDevice(parsed);
            Results.Introduce(device, null);
            Console.WriteLine();
            var reports = Run(device, parsed.GetRequiredValue(filter), parsed.GetValue(runs));
            Print(reports);
            var results = new Results("ops", device);
            results.Root["operators"] = new JsonArray([.. reports.Select(ToJson)]);
            results.Write(parsed.GetValue(options.Json));
        });
        return command;
    }

    private static List<BenchmarkReport> Run(Device device, string[] filter, int runs)
    {
        OperatorBenchmark.SharedDevice = device;
        var log = new AccumulationLogger();
        var job = Job.Default.WithToolchain(InProcessNoEmitToolchain.DontLogOutput)
            .WithWarmupCount(WarmUps).WithIterationCount(runs).WithIterationTime(IterationTime);
        var config = ManualConfig.CreateEmpty().AddJob(job).AddDiagnoser(MemoryDiagnoser.Default).AddLogger(log)
            .AddColumnProvider(DefaultColumnProviders.Instance).AddFilter(new GlobFilter(filter))
            .WithOptions(ConfigOptions.DisableLogFile | ConfigOptions.DisableOptimizationsValidator);
        var reports = new List<BenchmarkReport>();
        foreach (var type in Benchmarks)
        {
            var summary = BenchmarkRunner.Run(type, config);
            if (summary.HasCriticalValidationErrors || summary.Reports.Any(r => !r.Success || r.ResultStatistics is null))
                throw new BenchException($"BenchmarkDotNet could not run {type.Name}:\n{log.GetLog()}");
            log.ClearLog();
            reports.AddRange(summary.Reports);
        }
        return reports.Count > 0 ? reports : throw new BenchException($"No operator's name matches {string.Join(" or ", filter)}.");
    }

    private static void Print(List<BenchmarkReport> reports)
    {
        var table = new MarkdownTable("operator", "ms", "± ms", "allocated, KiB");
        foreach (var report in reports)
        {
            var statistics = report.ResultStatistics!;
            table.Add(
                Name(report), MarkdownTable.Number(statistics.Median / 1e6), MarkdownTable.Number(statistics.StandardDeviation / 1e6),
                MarkdownTable.Number(Allocated(report) / 1024.0));
        }
        table.Write(Console.Out);
    }

    private static JsonObject ToJson(BenchmarkReport report) => new()
    {
        ["name"] = Name(report),
        ["ms_median"] = report.ResultStatistics!.Median / 1e6,
        ["ms_deviation"] = report.ResultStatistics.StandardDeviation / 1e6,
        ["allocated_bytes"] = Allocated(report),
    };

    private static string Name(BenchmarkReport report)
    {
        var benchmark = report.BenchmarkCase;
        var name = benchmark.Descriptor.WorkloadMethodDisplayInfo.Trim('\'');
        return benchmark.HasParameters ? $"{name} {string.Join(' ', benchmark.Parameters.Items.Select(p => p.Value))}" : name;
    }

    private static long? Allocated(BenchmarkReport report) => report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase);
}
