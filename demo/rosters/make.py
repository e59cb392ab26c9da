"""Writes the rosters of the demo: the same sixty learners in three courses, a lesson and a pathway.

Everybody here is made up. The table says who they are and what they achieve; the figures in between are drawn from
a generator that is seeded with the learner and the column, so that every run writes the same files. The end of the
script counts what the demo relies on.

    python demo/rosters/make.py
"""

import csv
import random
import unicodedata
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent

# username, name, language (BCP 47), what they achieve:
#   c  completes CS101 (0.8 or more)              a  meets all grades of CS101
#   g  completes GIT (1)                          p  completes the whole pathway (0.8 or more in its three courses)
#   x  is not active any more: gets nothing, whatever the figures say
#   n  has no e-mail address
LEARNERS = """
adebayo.olayinka    | Ọláyínká Adébáyọ̀             | yo      | cag
aigerim.bulatova    | Әйгерім Бұлатова             | kk      | g
akane.tokairin      | 東海林 あかね                | ja      | cag
amelie.novak        | Amélie Nováková              | cs      | cagp
anais.lefevre       | Anaïs Lefèvre-Gœury          | fr      | c
asa.bjorkqvist      | Åsa Björkqvist               | sv      | a
avigail.bengal      | אביגיל בן־גל                 | he      | ca
badr.halwani        | بدر الدين الحلواني           | ar      | cagp
chinaza.okwuosa     | Chịnaza Ọkwụọsa              | ig      | c
declan.odriscoll    | Declan O'Driscoll            | en-IE   | cg
dnyaneshwar.k       | ज्ञानेश्वर क्षीरसागर         | mr      |
durdica.scepanovic  | Đurđica Šćepanović           | hr      | c
efimia.xirogianni   | Ευφημία Ξηρογιάννη           | el      | cag
eun.jegal           | 제갈 은별                    | ko      | g
evdokia.rucheva     | Евдокия Ручьёва              | ru      | cagp
gergo.szucs         | Gergő Szűcs-Őrhegyi          | hu      | cn
grazhyna.yizhak     | Ґражина Їжакевич             | uk      | cg
gulsah.yildizoglu   | Gülşah Yıldızoğlu            | tr      | cap
haneul.namgung      | 남궁하늘                     | ko      | cagp
harriet.pemberton   | Harriet Pemberton-Lowe       | en-GB   | cg
hemi.tawhirangi     | Hēmi Tāwhirangi              | mi      |
ibrahim.isiklar     | İbrahim Işıklar              | tr      | x
illari.quispe       | Illari Quispe Condorpuma     | qu      | c
inigo.ibanez        | Íñigo Ibáñez de la Peña      | es      | c
jingyi.ouyang       | 欧阳静宜                     | zh-Hans | cagp
jiri.dvoracek       | Jiří Dvořáček-Řehůřek        | cs      | c
john.redfern        | John 🦊 Redfern               | en-US   | c
jorg.weissmuller    | Jörg Weißmüller              | de      | c
jun.watanabe        | 渡邉 ジュン                  | ja      | c
kian.jalehpour      | کیان ژاله‌پور                | fa      | cg
krzysztof.zolcinski | Krzysztof Żółciński          | pl      | cxn
kulthida.srisuk     | กุลธิดา ที่รุ่งเรือง         | th      | cagp
lela.kipshidze      | ლელა ყიფშიძე                 | ka      | cag
liga.berzkalne      | Līga Bērzkalne               | lv      |
maria.fernanda      | Maria Fernanda Conceição de Albuquerque Cavalcanti e Vasconcelos Leite | pt-BR | cagp
maricel.dimaculangan | Maricel Dimaculangan        | fil     | c
marijke.ijssel      | Marijke van der IJsselweide  | nl      | g
neema.wanjala       | Neema Wanjala                | sw      | g
niccolo.fabbri      | Niccolò Fabbricatore         | it      | c
noga.sharvit        | נגה שרביט                    | he      | g
paivi.niskakangas   | Päivi Niskakangas            | fi      | ag
panya.thongdee      | ปัญญวัฒน์ ทองดีเลิศ          | th      |
parichehr.golestani | پریچهر گلستانی               | fa      | ca
priyamvada.k        | प्रियंवदा कुलश्रेष्ठ         | hi      | cagp
rositsa.varbanova   | Росица Върбанова             | bg      | cgp
salma.qanadili      | سلمى القناديلي               | ar      |
saoirse.ohanrahan   | Saoirse O’Hanrahan           | ga      | cap
sion.prydderch      | Siôn Llŷr Prydderch          | cy      | c
solomiya.hryn       | Соломія Гринчишин            | uk      |
soren.agard         | Søren Ågård Lindø            | da      | cx
stefania.turcanu    | Ștefania Țurcanu             | ro      | c
thanos.karydis      | Θεοφάνης Καρυδάκης           | el      | x
thorunn.aegisdottir | Þórunn Ægisdóttir            | is      | c
tran.duc.hien       | Trần Đức Hiển                | vi      | gn
tuyet.nguyen        | Nguyễn Thị Ánh Tuyết         | vi      | cg
wulandari           | Wulandari                    | id      | c
xiaolan.chen        | 陈晓岚                       | zh-Hans |
yuzhen.luo          | 羅雨蓁                       | zh-Hant | c
zofia.wisniewska    | Zofia Wiśniewska-Łęcka       | pl      | cp
zygimantas.cepla    | Žygimantas Čepėla            | lt      | c
"""

# The edges, hand-written: what sits exactly on a threshold, or just below it.
EXACTLY = {
    "sion.prydderch": {"CS101": "0.8"},
    "illari.quispe": {"CS101": "0.8"},
    "paivi.niskakangas": {"CS101": "0.795"},  # meets the grades, but not the completion
    "gulsah.yildizoglu": {"grade:Homework": "0.7", "grade:Exam": "0.6", "grade:total": "0.75"},
    "inigo.ibanez": {"grade:Homework": "0.8225", "grade:Exam": "0.71", "grade:total": "0.7499"},
    "maria.fernanda": {"CS101": "1", "grade:total": "0.9475"},
    "panya.thongdee": {"GIT": "0.9999"},
    "harriet.pemberton": {"ALG201": "0.92", "WEB110": "0.7999"},  # all but the last step of the pathway
    "amelie.novak": {
        "CS101": "0.96",
        "grade:Homework": "0.9125",
        "grade:Exam": "0.8",
        "grade:total": "0.845",
    },
    "rositsa.varbanova": {"ALG201": "0.8"},
    "zofia.wisniewska": {"WEB110": "0.8"},
    "soren.agard": {"CS101": "0.9333"},
    "krzysztof.zolcinski": {"CS101": "0.88"},
    "ibrahim.isiklar": {"CS101": "0.4125"},
    "thanos.karydis": {"CS101": "0"},
    "liga.berzkalne": {"CS101": "0", "GIT": "0"},
}
GRADES = ("grade:Homework", "grade:Exam", "grade:total")
THRESHOLDS = (Decimal("0.7"), Decimal("0.6"), Decimal("0.75"))
PERSON = ("username", "email", "name", "language", "active")
STEPS = ("CS101", "ALG201", "WEB110")


def people():
    for line in LEARNERS.strip().splitlines():
        username, name, language, achieves = (cell.strip() for cell in line.split("|"))
        domain = "example.org" if len(username) % 2 else "example.com"
        yield (
            {
                "username": username,
                "email": "" if "n" in achieves else f"{username}@{domain}",
                "name": unicodedata.normalize("NFC", name),
                "language": language,
                "active": "no" if "x" in achieves else "yes",
            },
            set(achieves),
        )


def between(username, column, low, high):
    """A share between the two, always the same one for this learner and column."""
    drawn = random.Random(f"{username}/{column}").random()
    return round(low + (high - low) * drawn, 4)


def written(share):
    return f"{share:.4f}".rstrip("0").rstrip(".")


def completion(username, achieves, course):
    known = EXACTLY.get(username, {})
    if course in known:
        return known[course]
    if course == "GIT":
        return "1" if "g" in achieves else written(between(username, course, 0.05, 0.95))
    if course == "CS101":
        enough = "c" in achieves
    elif "p" in achieves:
        enough = True
    else:
        # Who is not through the pathway misses one of its later steps.
        missing = STEPS[1 + (between(username, "missing", 0, 1) < 0.6)]
        enough = course != missing and between(username, course + " taken", 0, 1) < 0.6
    return written(between(username, course, 0.82, 1) if enough else between(username, course, 0.02, 0.78))


def grades(username, achieves, course):
    # The total also counts the weekly labs, which have no column of their own.
    good = "a" in achieves if course == "CS101" else "p" in achieves
    homework = (
        between(username, course + " homework", 0.76, 1) if good else between(username, course + " homework", 0, 0.95)
    )
    exam = between(username, course + " exam", 0.72, 1) if good else between(username, course + " exam", 0, 0.74)
    labs = between(username, course + " labs", 0.78, 1) if good else between(username, course + " labs", 0.1, 0.72)
    total = round(0.3 * homework + 0.45 * exam + 0.25 * labs, 4)
    drawn = dict(zip(GRADES, map(written, (homework, exam, total)), strict=True))
    known = EXACTLY.get(username, {}) if course == "CS101" else {}
    return {column: known.get(column, drawn[column]) for column in GRADES}


def rows(course):
    for person, achieves in people():
        row = dict(person)
        if course != "DEV":
            row["completion"] = completion(person["username"], achieves, course)
        if course in STEPS:
            row |= grades(person["username"], achieves, course)
        yield row


def write(course):
    table = list(rows(course))
    with (HERE / f"{course}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def read(course):
    with (HERE / f"{course}.csv").open(encoding="utf-8", newline="") as file:
        return {row["username"]: row for row in csv.DictReader(file)}


def check():
    """What the demo, its documentation and its tests rely on."""
    rosters = {course: read(course) for course in (*STEPS, "GIT", "DEV")}
    cs101 = rosters["CS101"]
    active = {username for username, row in cs101.items() if row["active"] == "yes"}

    def reaching(course, threshold):
        return {
            username for username in cs101 if Decimal(rosters[course][username]["completion"]) >= Decimal(threshold)
        }

    for roster in rosters.values():
        assert len(roster) == 60
        assert all(roster[one][column] == cs101[one][column] for one in cs101 for column in PERSON)
    names = {username: row["name"] for username, row in cs101.items()}
    assert list(cs101) == sorted(cs101)
    assert all(username.isascii() for username in cs101)
    assert len(set(names.values())) == 60
    assert sum(not row["email"] for row in cs101.values()) == 3
    assert len(active) == 56

    completed = reaching("CS101", "0.8") & active
    assert len(completed) == 41
    assert sum(cs101[one]["completion"] == "0.8" for one in completed) == 2
    assert [one for one in active if cs101[one]["completion"] == "0.795"] == ["paivi.niskakangas"]
    assert reaching("CS101", "0.8") - active == {"krzysztof.zolcinski", "soren.agard"}
    assert {one for one in completed if not cs101[one]["email"]} == {"gergo.szucs"}
    assert {one for one, name in names.items() if len(name) == 70} == {"maria.fernanda"}
    assert max(map(len, names.values())) == 70
    assert {one for one, name in names.items() if "\U0001f98a" in name} == {"john.redfern"}
    edges = {"john.redfern", "maria.fernanda", "declan.odriscoll", "saoirse.ohanrahan", "wulandari"}
    assert edges <= completed
    scripts = ("CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "THAI", "GEORGIAN", "CJK", "HIRAGANA", "HANGUL")
    for script in scripts:
        assert any(script in scripts_of(names[one]) for one in completed), script

    achieved = {
        one
        for one in active
        if all(Decimal(cs101[one][column]) >= least for column, least in zip(GRADES, THRESHOLDS, strict=True))
    }
    assert len(achieved) == 18
    assert "john.redfern" not in achieved
    assert [one for one in achieved if tuple(Decimal(cs101[one][column]) for column in GRADES) == THRESHOLDS] == [
        "gulsah.yildizoglu"
    ]
    assert cs101["inigo.ibanez"]["grade:total"] == "0.7499"
    assert achieved - completed == {"paivi.niskakangas", "asa.bjorkqvist"}

    through = reaching("GIT", "1")
    assert through <= active
    assert len(through) == 25
    assert "john.redfern" not in through
    assert [one for one in cs101 if rosters["GIT"][one]["completion"] == "0.9999"] == ["panya.thongdee"]

    pathway = reaching("CS101", "0.8") & reaching("ALG201", "0.8") & reaching("WEB110", "0.8") & active
    assert len(pathway) == 12
    assert "john.redfern" not in pathway
    assert {"badr.halwani", "jingyi.ouyang", "haneul.namgung", "priyamvada.k", "maria.fernanda"} <= pathway
    almost = completed & reaching("ALG201", "0.8") & reaching("WEB110", "0.7999") - pathway
    assert almost == {"harriet.pemberton"}
    print(
        f"{len(completed)} complete CS101, {len(achieved)} meet its grades, "
        f"{len(through)} complete GIT, {len(pathway)} the pathway"
    )


def scripts_of(name):
    """The scripts, as the characters' Unicode names begin: `CJK`, `GREEK`, …"""
    return {unicodedata.name(character).split()[0] for character in name}


for course in (*STEPS, "GIT", "DEV"):
    write(course)
check()
