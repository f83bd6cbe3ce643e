using Fpn.IlGpu.Data;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>Pictures of your own to train on (<see cref="Trainer.Open(Device, TrainingConfiguration, TrainingPictures, string, bool, BackboneLayout?, IProgress{TrainerProgress}?)"/>).</summary>
/// <param name="Source">The pictures with their objects.</param>
/// <param name="Classes">The class names by class index, without the background.</param>
public sealed record TrainingPictures(IPictureSource Source, IReadOnlyList<string> Classes)
{
    /// <summary>The pictures to validate on, for a configuration with a <c>validation</c> that names no others, or <c>shapes</c>.</summary>
    public IPictureSource? Validation { get; init; }
}

/// <summary>How a run takes problems with its data.</summary>
/// <param name="Path">The file that lists them.</param>
/// <param name="IsLifted">Whether to go on where more than one per cent of the data is left out.</param>
internal sealed record ProblemLimit(string Path, bool IsLifted);

/// <summary>The opened data of a run.</summary>
/// <param name="Pictures">The source of its pictures.</param>
/// <param name="Classes">The class names by class index, without the background.</param>
/// <param name="Problems">What is wrong with the data, and was skipped or corrected.</param>
internal sealed record TrainingSource(IPictureSource Pictures, IReadOnlyList<string> Classes, AnnotationProblems Problems)
{
    /// <summary>The digest of what is learned from.</summary>
    public required string Digest { get; init; }

    /// <summary>The proposals for the pictures, for Fast R-CNN; otherwise null.</summary>
    public GivenProposals? Proposals { get; init; }

    /// <summary>Returns the proposals of a sample, in input px; null if there are no proposals.</summary>
    public Func<TrainingSample, Box[]>? ProposalsOfSample
        => Proposals is null ? null : sample => Proposals.OfSample(sample, Pictures.IdOf(sample.Index));

    /// <summary>The pictures to validate on; null for none.</summary>
    public ValidationSet? Validation { get; init; }

    /// <summary>Opens the data.</summary>
    /// <param name="configuration">The configuration of the run.</param>
    /// <param name="folder">The folder that paths are relative to.</param>
    /// <param name="pictures">The pictures that the caller has opened, or null to open those that the configuration names.</param>
    /// <param name="limit">Accepts or refuses the problems.</param>
    /// <param name="progress">Receives how many pictures have been checked.</param>
    /// <exception cref="AnnotationException">The data are missing or broken, or have no picture to train on.</exception>
    public static TrainingSource Open(
        TrainingConfiguration configuration, string folder, TrainingPictures? pictures, ProblemLimit limit,
        IProgress<TrainerProgress>? progress)
    {
        var source = pictures is null
            ? OpenFiles(configuration, folder, limit, progress)
            : OpenPictures(configuration, folder, pictures);
        if (configuration.Validation is not { } validation)
            return source;
        var namesFiles = validation.Coco is not null || validation.Voc is not null;
        var set = source.Validation ?? (namesFiles
            ? ValidationSet.OfFiles(validation, configuration.Data.Exif, folder, source.Classes, configuration.LearnsMasks, progress)
            : ValidationSet.Of(
                pictures?.Validation ?? throw new AnnotationException(
                    "'validation' names no files: pass the pictures to validate on to Trainer.Open (TrainingPictures.Validation)."),
                source.Classes));
        if (source.Validation is null)
        {
            // Each set has its own limit; the list is of both.
            set.Truth.Problems.Check(limit.IsLifted, limit.Path);
            source.Problems.Add(set.Truth.Problems);
            source.Problems.Check(limit.IsLifted, limit.Path);
        }
        return source with { Validation = set.Checked() };
    }

    private static TrainingSource OpenPictures(TrainingConfiguration configuration, string folder, TrainingPictures pictures)
    {
        var problems = new AnnotationProblems();
        problems.AddParts(AnnotationPart.Pictures, pictures.Source.Count);
        var (source, held) = SetAside(configuration.Validation, pictures);
        var proposals = ProposalsOf(configuration.Data, folder);
        return new TrainingSource(source, pictures.Classes, problems)
        {
            Proposals = proposals is null ? null : GivenProposals.Read(proposals, source, configuration.Rpn.PostNmsTopN),
            Digest = DataDigest.Of(source, proposals),
            Validation = held,
        };
    }

    private static (IPictureSource Trained, ValidationSet? Held) SetAside(TrainingValidation? validation, TrainingPictures pictures)
    {
        if (validation is not { Share: not null })
            return (pictures.Source, null);
        var chosen = ValidationSet.Choose(validation, pictures.Source.Count);
        int[] all = [.. Enumerable.Range(0, pictures.Source.Count)];
        var held = new ChosenPictures(pictures.Source, [.. all.Where(i => chosen[i])]);
        return (new ChosenPictures(pictures.Source, [.. all.Where(i => !chosen[i])]), ValidationSet.Of(held, pictures.Classes));
    }

    private static TrainingSource OpenFiles(
        TrainingConfiguration configuration, string folder, ProblemLimit limit, IProgress<TrainerProgress>? progress)
    {
        var (data, withMasks) = (configuration.Data, configuration.LearnsMasks);
        if (data.Shapes is not null)
        {
            throw new AnnotationException(
                "'data.shapes' names the synthetic scenes, which the library does not draw itself: pass their pictures to Trainer.Open.");
        }
        var set = data.Coco is { } coco
            ? CocoAnnotations.Read(Path.Combine(folder, coco.Annotations), Path.Combine(folder, coco.Pictures), withMasks)
            : VocFolder.Read(Path.Combine(folder, data.Voc!.Folder), data.Voc.Split, exif: data.Exif);
        set = PictureCheck.WithoutUnusable(
            set, data.Exif, new PicturesOf(TrainerWork.CheckingPictures, set.Pictures.Count, progress));
        AnnotatedSet? held = null;
        if (configuration.Validation is { Share: not null } validation)
        {
            var chosen = ValidationSet.Choose(validation, set.Pictures.Count);
            held = set with { Pictures = [.. set.Pictures.Where((_, i) => chosen[i])] };
            set = set with { Pictures = [.. set.Pictures.Where((_, i) => !chosen[i])] };
        }
        if (data.FilterEmpty)
        {
            foreach (var empty in set.Pictures.Where(picture => picture.IsEmpty))
                set.Problems.Add(AnnotationProblem.PictureEmpty, $"'{set.PathOf(empty)}'");
        }
        set.Problems.Check(limit.IsLifted, limit.Path);
        if (withMasks && !set.HasMasks)
        {
            throw new AnnotationException(
                "The detector learns masks, but no object of the data has one. COCO's format has them as 'segmentation'.");
        }
        var source = new AnnotatedSetPictures(set, keepEmpty: !data.FilterEmpty, exif: data.Exif);
        var proposals = ProposalsOf(data, folder);
        return new TrainingSource(source, [.. set.Categories.Select(c => c.Name)], set.Problems)
        {
            Proposals = proposals is null ? null : GivenProposals.Read(proposals, set, configuration.Rpn.PostNmsTopN),
            Digest = DataDigest.Of(set with { Pictures = [.. set.Pictures.Where(p => !data.FilterEmpty || !p.IsEmpty)] }, proposals),
            Validation = held is null ? null : ValidationSet.Of(held, data.Exif),
        };
    }

    private static string? ProposalsOf(TrainingData data, string folder)
        => data.Proposals is null ? null : Path.Combine(folder, data.Proposals);
}
